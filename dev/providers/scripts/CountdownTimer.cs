using UnityEngine;
using UnityEngine.Events;

/// <summary>Counts down and raises an event at zero.</summary>
public class $name : MonoBehaviour
{
    [SerializeField, Min(0f)] private float seconds = ${c}f;
    [SerializeField] private bool startOnEnable = true;
    [SerializeField] private UnityEvent onFinished = new UnityEvent();

    private float remaining;
    private bool running;

    public float Remaining => remaining;

    private void OnEnable()
    {
        if (startOnEnable)
        {
            Restart();
        }
    }

    public void Restart()
    {
        remaining = seconds;
        running = true;
    }

    private void Update()
    {
        if (!running)
        {
            return;
        }

        remaining -= Time.deltaTime;
        if (remaining <= 0f)
        {
            remaining = 0f;
            running = false;
            onFinished.Invoke();
        }
    }
}
