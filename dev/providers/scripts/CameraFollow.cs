using UnityEngine;

/// <summary>Follows a target smoothly, after everything else has moved.</summary>
public class $name : MonoBehaviour
{
    [SerializeField] private Transform target;
    [SerializeField] private Vector3 offset = new Vector3(0f, ${a}f, -${b}f);
    [SerializeField, Range(0.01f, 1f)] private float smoothTime = 0.${c}f;

    private Vector3 velocity;

    private void LateUpdate()
    {
        if (target == null)
        {
            return;
        }

        Vector3 wanted = target.position + target.rotation * offset;
        transform.position = Vector3.SmoothDamp(transform.position, wanted, ref velocity, smoothTime);
        transform.LookAt(target);
    }
}
