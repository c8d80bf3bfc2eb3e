using UnityEngine;

/// <summary>Moves a character on the ground plane and lets it jump.</summary>
[RequireComponent(typeof(CharacterController))]
public class $name : MonoBehaviour
{
    [SerializeField, Range(1f, 20f)] private float speed = ${a}f;
    [SerializeField] private float jumpHeight = ${b}f;
    [SerializeField] private float gravity = -9.81f;

    private CharacterController controller;
    private Vector3 velocity;

    private void Awake()
    {
        controller = GetComponent<CharacterController>();
    }

    private void Update()
    {
        if (controller.isGrounded && velocity.y < 0f)
        {
            velocity.y = -2f;
        }

        Vector3 input = new Vector3(Input.GetAxis("Horizontal"), 0f, Input.GetAxis("Vertical"));
        Vector3 direction = transform.TransformDirection(Vector3.ClampMagnitude(input, 1f));

        if (Input.GetButtonDown("Jump") && controller.isGrounded)
        {
            velocity.y = Mathf.Sqrt(jumpHeight * -2f * gravity);
        }

        velocity.y += gravity * Time.deltaTime;
        controller.Move((direction * speed + velocity) * Time.deltaTime);
    }
}
