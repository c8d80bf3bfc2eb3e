using System;
using System.Collections.Generic;
using UnityEngine;

/// <summary>Counts items by name within a number of slots.</summary>
public class $name : MonoBehaviour
{
    [SerializeField, Min(1)] private int slots = $c;

    private readonly Dictionary<string, int> items = new Dictionary<string, int>();

    public event Action Changed;

    public bool Add(string item, int amount = 1)
    {
        if (string.IsNullOrEmpty(item) || amount <= 0)
        {
            return false;
        }

        if (!items.ContainsKey(item) && items.Count >= slots)
        {
            return false;
        }

        items.TryGetValue(item, out int held);
        items[item] = held + amount;
        Changed?.Invoke();
        return true;
    }

    public bool Remove(string item, int amount = 1)
    {
        if (!items.TryGetValue(item, out int held) || held < amount)
        {
            return false;
        }

        if (held == amount)
        {
            items.Remove(item);
        }
        else
        {
            items[item] = held - amount;
        }

        Changed?.Invoke();
        return true;
    }

    public int Count(string item)
    {
        return items.TryGetValue(item, out int held) ? held : 0;
    }
}
