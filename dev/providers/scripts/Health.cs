using System;
using UnityEngine;
using UnityEngine.Events;

/// <summary>Keeps hit points and tells others when they change or run out.</summary>
public class $name : MonoBehaviour
{
    [SerializeField, Min(1)] private int maximum = ${c}0;
    [SerializeField] private UnityEvent onDeath = new UnityEvent();

    public event Action<int, int> Changed;

    public int Current { get; private set; }

    public bool IsDead => Current <= 0;

    private void Awake()
    {
        Current = maximum;
    }

    public void Damage(int amount)
    {
        if (IsDead || amount <= 0)
        {
            return;
        }

        Current = Mathf.Max(0, Current - amount);
        Changed?.Invoke(Current, maximum);
        if (IsDead)
        {
            onDeath.Invoke();
        }
    }

    public void Heal(int amount)
    {
        if (IsDead || amount <= 0)
        {
            return;
        }

        Current = Mathf.Min(maximum, Current + amount);
        Changed?.Invoke(Current, maximum);
    }
}
