using UnityEngine;
using UnityEngine.AI;

/// <summary>Walks between waypoints and chases the player on sight.</summary>
[RequireComponent(typeof(NavMeshAgent))]
public class $name : MonoBehaviour
{
    [SerializeField] private Transform[] waypoints = new Transform[0];
    [SerializeField] private Transform player;
    [SerializeField] private float sight = ${c}f;
    [SerializeField] private float chaseSpeed = ${a}f;

    private NavMeshAgent agent;
    private float walkSpeed;
    private int next;

    private void Awake()
    {
        agent = GetComponent<NavMeshAgent>();
        walkSpeed = agent.speed;
    }

    private void Update()
    {
        if (player != null && Vector3.Distance(transform.position, player.position) < sight)
        {
            agent.speed = chaseSpeed;
            agent.SetDestination(player.position);
            return;
        }

        agent.speed = walkSpeed;
        if (waypoints.Length == 0 || agent.pathPending || agent.remainingDistance > 0.5f)
        {
            return;
        }

        agent.SetDestination(waypoints[next].position);
        next = (next + 1) % waypoints.Length;
    }
}
