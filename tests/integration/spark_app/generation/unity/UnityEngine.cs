// A stub of the UnityEngine types that the samples use: names and signatures, as Unity's scripting
// reference has them, and no behaviour.  A script that compiles against it has no unknown name,
// wrong argument or wrong type.
using System;

namespace UnityEngine
{
    public class Object
    {
        public string name { get; set; }
        public static void Destroy(Object obj) { }
        public static void Destroy(Object obj, float t) { }
        public static T Instantiate<T>(T original) where T : Object { return original; }
        public static T Instantiate<T>(T original, Transform parent) where T : Object { return original; }
        public static T Instantiate<T>(T original, Vector3 position, Quaternion rotation) where T : Object { return original; }
        public static T Instantiate<T>(T original, Vector3 position, Quaternion rotation, Transform parent) where T : Object { return original; }
        public static T FindObjectOfType<T>() where T : Object { return null; }
        public static void DontDestroyOnLoad(Object target) { }
        public static implicit operator bool(Object exists) { return exists != null; }
    }

    public class Component : Object
    {
        public Transform transform { get { return null; } }
        public GameObject gameObject { get { return null; } }
        public string tag { get; set; }
        public T GetComponent<T>() { return default(T); }
        public T GetComponentInChildren<T>() { return default(T); }
        public T GetComponentInParent<T>() { return default(T); }
        public bool TryGetComponent<T>(out T component) { component = default(T); return false; }
        public bool CompareTag(string tag) { return false; }
    }

    public class Behaviour : Component { public bool enabled { get; set; } }

    public class Coroutine { }
    public class WaitForSeconds { public WaitForSeconds(float seconds) { } }

    public class MonoBehaviour : Behaviour
    {
        public Coroutine StartCoroutine(System.Collections.IEnumerator routine) { return null; }
        public void StopCoroutine(Coroutine routine) { }
        public void StopAllCoroutines() { }
        public void Invoke(string methodName, float time) { }
        public void CancelInvoke() { }
        public static void print(object message) { }
    }

    public class ScriptableObject : Object { }

    public sealed class GameObject : Object
    {
        public GameObject() { }
        public GameObject(string name) { }
        public Transform transform { get { return null; } }
        public string tag { get; set; }
        public int layer { get; set; }
        public bool activeSelf { get { return false; } }
        public bool activeInHierarchy { get { return false; } }
        public void SetActive(bool value) { }
        public T GetComponent<T>() { return default(T); }
        public bool TryGetComponent<T>(out T component) { component = default(T); return false; }
        public T AddComponent<T>() where T : Component { return null; }
        public bool CompareTag(string tag) { return false; }
        public static GameObject FindWithTag(string tag) { return null; }
        public static GameObject FindGameObjectWithTag(string tag) { return null; }
        public static GameObject Find(string name) { return null; }
    }

    public class Transform : Component
    {
        public Vector3 position { get; set; }
        public Vector3 localPosition { get; set; }
        public Vector3 localScale { get; set; }
        public Vector3 eulerAngles { get; set; }
        public Quaternion rotation { get; set; }
        public Quaternion localRotation { get; set; }
        public Vector3 forward { get; set; }
        public Vector3 right { get; set; }
        public Vector3 up { get; set; }
        public Transform parent { get; set; }
        public int childCount { get { return 0; } }
        public Transform GetChild(int index) { return null; }
        public void Translate(Vector3 translation) { }
        public void Translate(Vector3 translation, Space relativeTo) { }
        public void Rotate(Vector3 eulers) { }
        public void Rotate(Vector3 axis, float angle) { }
        public void Rotate(float x, float y, float z) { }
        public void LookAt(Transform target) { }
        public void LookAt(Vector3 worldPosition) { }
        public Vector3 TransformDirection(Vector3 direction) { return direction; }
        public void SetParent(Transform parent) { }
        public void SetPositionAndRotation(Vector3 position, Quaternion rotation) { }
    }

    public enum Space { World, Self }
    public enum ForceMode { Force, Acceleration, Impulse, VelocityChange }
    public enum KeyCode { Space, Escape, E, R, LeftShift, W, A, S, D }

    public struct Vector2
    {
        public float x, y;
        public Vector2(float x, float y) { this.x = x; this.y = y; }
        public float magnitude { get { return 0f; } }
        public Vector2 normalized { get { return this; } }
        public static Vector2 zero { get { return new Vector2(); } }
        public static Vector2 operator *(Vector2 a, float d) { return a; }
        public static Vector2 operator +(Vector2 a, Vector2 b) { return a; }
        public static Vector2 operator -(Vector2 a, Vector2 b) { return a; }
        public static implicit operator Vector3(Vector2 v) { return new Vector3(); }
        public static implicit operator Vector2(Vector3 v) { return new Vector2(); }
    }

    public struct Vector3
    {
        public float x, y, z;
        public Vector3(float x, float y, float z) { this.x = x; this.y = y; this.z = z; }
        public float magnitude { get { return 0f; } }
        public float sqrMagnitude { get { return 0f; } }
        public Vector3 normalized { get { return this; } }
        public void Normalize() { }
        public static Vector3 zero { get { return new Vector3(); } }
        public static Vector3 one { get { return new Vector3(); } }
        public static Vector3 up { get { return new Vector3(); } }
        public static Vector3 down { get { return new Vector3(); } }
        public static Vector3 forward { get { return new Vector3(); } }
        public static Vector3 back { get { return new Vector3(); } }
        public static Vector3 left { get { return new Vector3(); } }
        public static Vector3 right { get { return new Vector3(); } }
        public static float Distance(Vector3 a, Vector3 b) { return 0f; }
        public static float Dot(Vector3 a, Vector3 b) { return 0f; }
        public static float Angle(Vector3 a, Vector3 b) { return 0f; }
        public static Vector3 ClampMagnitude(Vector3 vector, float maxLength) { return vector; }
        public static Vector3 Lerp(Vector3 a, Vector3 b, float t) { return a; }
        public static Vector3 MoveTowards(Vector3 current, Vector3 target, float maxDistanceDelta) { return target; }
        public static Vector3 SmoothDamp(Vector3 current, Vector3 target, ref Vector3 currentVelocity, float smoothTime) { return target; }
        public static Vector3 operator +(Vector3 a, Vector3 b) { return a; }
        public static Vector3 operator -(Vector3 a, Vector3 b) { return a; }
        public static Vector3 operator -(Vector3 a) { return a; }
        public static Vector3 operator *(Vector3 a, float d) { return a; }
        public static Vector3 operator *(float d, Vector3 a) { return a; }
        public static Vector3 operator /(Vector3 a, float d) { return a; }
        public static bool operator ==(Vector3 a, Vector3 b) { return true; }
        public static bool operator !=(Vector3 a, Vector3 b) { return false; }
        public override bool Equals(object other) { return false; }
        public override int GetHashCode() { return 0; }
    }

    public struct Quaternion
    {
        public static Quaternion identity { get { return new Quaternion(); } }
        public static Quaternion Euler(float x, float y, float z) { return identity; }
        public static Quaternion AngleAxis(float angle, Vector3 axis) { return identity; }
        public static Quaternion LookRotation(Vector3 forward) { return identity; }
        public static Quaternion LookRotation(Vector3 forward, Vector3 upwards) { return identity; }
        public static Quaternion Slerp(Quaternion a, Quaternion b, float t) { return a; }
        public static Quaternion RotateTowards(Quaternion from, Quaternion to, float maxDegreesDelta) { return to; }
        public static Vector3 operator *(Quaternion rotation, Vector3 point) { return point; }
        public static Quaternion operator *(Quaternion lhs, Quaternion rhs) { return lhs; }
    }

    public struct Color
    {
        public float r, g, b, a;
        public Color(float r, float g, float b, float a = 1f) { this.r = r; this.g = g; this.b = b; this.a = a; }
        public static Color red { get { return new Color(); } }
        public static Color green { get { return new Color(); } }
        public static Color yellow { get { return new Color(); } }
        public static Color white { get { return new Color(); } }
        public static Color cyan { get { return new Color(); } }
    }

    public struct RaycastHit
    {
        public Vector3 point { get { return new Vector3(); } }
        public float distance { get { return 0f; } }
        public Transform transform { get { return null; } }
        public Collider collider { get { return null; } }
    }

    public struct LayerMask { public int value; public static implicit operator int(LayerMask mask) { return mask.value; } }

    public class Collider : Component { public bool isTrigger { get; set; } public bool enabled { get; set; } }
    public class BoxCollider : Collider { }
    public class SphereCollider : Collider { public float radius { get; set; } }

    public class Collision
    {
        public GameObject gameObject { get { return null; } }
        public Collider collider { get { return null; } }
        public Transform transform { get { return null; } }
    }

    public class Rigidbody : Component
    {
        public Vector3 velocity { get; set; }
        public float mass { get; set; }
        public bool isKinematic { get; set; }
        public bool useGravity { get; set; }
        public Vector3 position { get; set; }
        public void AddForce(Vector3 force) { }
        public void AddForce(Vector3 force, ForceMode mode) { }
        public void MovePosition(Vector3 position) { }
        public void MoveRotation(Quaternion rot) { }
    }

    public class CharacterController : Collider
    {
        public bool isGrounded { get { return false; } }
        public void Move(Vector3 motion) { }
        public bool SimpleMove(Vector3 speed) { return false; }
    }

    public class Renderer : Component { public bool enabled { get; set; } public Material material { get; set; } }
    public class Material : Object { public Color color { get; set; } }
    public class Sprite : Object { }
    public class AudioClip : Object { }
    public class AudioSource : Behaviour { public void Play() { } public void PlayOneShot(AudioClip clip) { } }
    public class Animator : Behaviour { public void SetFloat(string name, float value) { } public void SetTrigger(string name) { } public void SetBool(string name, bool value) { } }
    public class Camera : Behaviour { public static Camera main { get { return null; } } }

    public static class Input
    {
        public static float GetAxis(string axisName) { return 0f; }
        public static float GetAxisRaw(string axisName) { return 0f; }
        public static bool GetButton(string buttonName) { return false; }
        public static bool GetButtonDown(string buttonName) { return false; }
        public static bool GetKey(KeyCode key) { return false; }
        public static bool GetKeyDown(KeyCode key) { return false; }
        public static Vector3 mousePosition { get { return new Vector3(); } }
    }

    public static class Time
    {
        public static float time { get { return 0f; } }
        public static float deltaTime { get { return 0f; } }
        public static float fixedDeltaTime { get { return 0f; } }
        public static float timeScale { get; set; }
    }

    public static class Mathf
    {
        public const float PI = 3.14159274f;
        public const float Infinity = float.PositiveInfinity;
        public static float Sin(float f) { return f; }
        public static float Cos(float f) { return f; }
        public static float Sqrt(float f) { return f; }
        public static float Abs(float f) { return f; }
        public static float Min(float a, float b) { return a; }
        public static int Min(int a, int b) { return a; }
        public static float Max(float a, float b) { return a; }
        public static int Max(int a, int b) { return a; }
        public static float Clamp(float value, float min, float max) { return value; }
        public static int Clamp(int value, int min, int max) { return value; }
        public static float Clamp01(float value) { return value; }
        public static float Lerp(float a, float b, float t) { return a; }
        public static float MoveTowards(float current, float target, float maxDelta) { return target; }
        public static int RoundToInt(float f) { return 0; }
        public static int CeilToInt(float f) { return 0; }
        public static int FloorToInt(float f) { return 0; }
    }

    public static class Random
    {
        public static float value { get { return 0f; } }
        public static Vector3 insideUnitSphere { get { return new Vector3(); } }
        public static Vector2 insideUnitCircle { get { return new Vector2(); } }
        public static float Range(float minInclusive, float maxInclusive) { return minInclusive; }
        public static int Range(int minInclusive, int maxExclusive) { return minInclusive; }
    }

    public static class Debug
    {
        public static void Log(object message) { }
        public static void LogWarning(object message) { }
        public static void LogWarning(object message, Object context) { }
        public static void LogError(object message) { }
        public static void LogError(object message, Object context) { }
        public static void DrawLine(Vector3 start, Vector3 end) { }
    }

    public static class Physics
    {
        public static Vector3 gravity { get; set; }
        public static bool Raycast(Vector3 origin, Vector3 direction, float maxDistance) { return false; }
        public static bool Raycast(Vector3 origin, Vector3 direction, out RaycastHit hitInfo, float maxDistance) { hitInfo = new RaycastHit(); return false; }
        public static bool Linecast(Vector3 start, Vector3 end) { return false; }
        public static Collider[] OverlapSphere(Vector3 position, float radius) { return null; }
    }

    public static class Gizmos
    {
        public static Color color { get; set; }
        public static void DrawWireSphere(Vector3 center, float radius) { }
        public static void DrawSphere(Vector3 center, float radius) { }
        public static void DrawLine(Vector3 from, Vector3 to) { }
        public static void DrawWireCube(Vector3 center, Vector3 size) { }
    }

    [AttributeUsage(AttributeTargets.Field)] public class SerializeField : Attribute { }
    [AttributeUsage(AttributeTargets.Field)] public class HideInInspector : Attribute { }
    [AttributeUsage(AttributeTargets.Field)] public class RangeAttribute : Attribute { public RangeAttribute(float min, float max) { } }
    [AttributeUsage(AttributeTargets.Field)] public class MinAttribute : Attribute { public MinAttribute(float min) { } }
    [AttributeUsage(AttributeTargets.Field)] public class HeaderAttribute : Attribute { public HeaderAttribute(string header) { } }
    [AttributeUsage(AttributeTargets.Field)] public class TooltipAttribute : Attribute { public TooltipAttribute(string tooltip) { } }
    [AttributeUsage(AttributeTargets.Field)] public class SpaceAttribute : Attribute { }
    [AttributeUsage(AttributeTargets.Class, AllowMultiple = true)] public class RequireComponent : Attribute { public RequireComponent(Type requiredComponent) { } public RequireComponent(Type a, Type b) { } }
    [AttributeUsage(AttributeTargets.Class)] public class DisallowMultipleComponent : Attribute { }
    [AttributeUsage(AttributeTargets.Class)] public class AddComponentMenu : Attribute { public AddComponentMenu(string menuName) { } }
    [AttributeUsage(AttributeTargets.Class)] public class CreateAssetMenuAttribute : Attribute { public string fileName { get; set; } public string menuName { get; set; } }
}

namespace UnityEngine.Events
{
    public delegate void UnityAction();
    public delegate void UnityAction<T0>(T0 arg0);
    public delegate void UnityAction<T0, T1>(T0 arg0, T1 arg1);
    public class UnityEvent { public void Invoke() { } public void AddListener(UnityAction call) { } public void RemoveListener(UnityAction call) { } }
    public class UnityEvent<T0> { public void Invoke(T0 arg0) { } public void AddListener(UnityAction<T0> call) { } }
    public class UnityEvent<T0, T1> { public void Invoke(T0 arg0, T1 arg1) { } public void AddListener(UnityAction<T0, T1> call) { } }
}

namespace UnityEngine.AI
{
    public class NavMeshAgent : Behaviour
    {
        public float speed { get; set; }
        public float stoppingDistance { get; set; }
        public float remainingDistance { get { return 0f; } }
        public bool pathPending { get { return false; } }
        public bool isStopped { get; set; }
        public bool hasPath { get { return false; } }
        public Vector3 destination { get; set; }
        public Vector3 velocity { get; set; }
        public bool SetDestination(Vector3 target) { return false; }
        public void ResetPath() { }
    }
}
