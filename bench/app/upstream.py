"""The upstream of the benchmark: Anthropic Messages, always the same script, 20 ms later.

A bare asyncio protocol, because it shares a core with the load generator and must not be what is
measured.  Run as ``python bench/app/upstream.py PORT``.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

import uvloop

DELAY = 0.02
"""Seconds."""
SCRIPT = """Here it is.

```csharp
using UnityEngine;

/// <summary>Moves a body with the arrow keys.</summary>
[RequireComponent(typeof(Rigidbody))]
public class Mover : MonoBehaviour
{
    [SerializeField] private float speed = 5f;
    [SerializeField] private float jump = 4f;

    private Rigidbody body;

    private void Awake()
    {
        body = GetComponent<Rigidbody>();
    }

    private void FixedUpdate()
    {
        float x = Input.GetAxis("Horizontal");
        float z = Input.GetAxis("Vertical");
        body.AddForce(new Vector3(x, 0f, z) * speed);
        if (Input.GetButtonDown("Jump"))
        {
            body.AddForce(Vector3.up * jump, ForceMode.Impulse);
        }
    }
}
```
"""
_MESSAGE = json.dumps(
    {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [{"type": "text", "text": SCRIPT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 20, "output_tokens": 200},
    }
).encode()
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_MESSAGE),
    _MESSAGE,
)
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Upstream(asyncio.Protocol):
    """An answerer of every request of one connection, one after the other."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember where to answer."""
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._data = b""

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._data[:end])
            size = end + 4 + (int(length.group(1)) if length else 0)
            if len(self._data) < size:
                return
            self._data = self._data[size:]
            self._loop.call_later(DELAY, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_ANSWER)


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
