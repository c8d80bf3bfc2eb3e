using System.Collections;
using UnityEngine;

/// <summary>Spawns a prefab in waves at random points, never more than a limit at once.</summary>
public class $name : MonoBehaviour
{
    [SerializeField] private GameObject prefab;
    [SerializeField] private Transform[] points = new Transform[0];
    [SerializeField, Min(0.1f)] private float interval = ${b}f;
    [SerializeField, Min(1)] private int limit = $c;

    private void OnEnable()
    {
        StartCoroutine(Spawn());
    }

    private IEnumerator Spawn()
    {
        WaitForSeconds pause = new WaitForSeconds(interval);
        while (enabled)
        {
            if (prefab != null && points.Length > 0 && transform.childCount < limit)
            {
                Transform point = points[Random.Range(0, points.Length)];
                Instantiate(prefab, point.position, point.rotation, transform);
            }

            yield return pause;
        }
    }
}
