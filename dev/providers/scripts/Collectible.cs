using UnityEngine;

/// <summary>Spins and bobs until the player touches it, then adds to the score.</summary>
[RequireComponent(typeof(Collider))]
public class $name : MonoBehaviour
{
    [SerializeField] private int points = ${c};
    [SerializeField] private float turn = ${a}0f;
    [SerializeField] private float height = 0.${b}f;

    private Vector3 origin;

    public static int Score { get; private set; }

    private void Awake()
    {
        origin = transform.position;
        GetComponent<Collider>().isTrigger = true;
    }

    private void Update()
    {
        transform.Rotate(Vector3.up, turn * Time.deltaTime);
        transform.position = origin + Vector3.up * (Mathf.Sin(Time.time * 2f) * height);
    }

    private void OnTriggerEnter(Collider other)
    {
        if (!other.CompareTag("Player"))
        {
            return;
        }

        Score += points;
        Destroy(gameObject);
    }
}
