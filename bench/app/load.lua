-- Asks for a script each time for another thing; BENCH_KIND chooses whose API is spoken.
local kind = os.getenv("BENCH_KIND")
local thread_count = 0
local count = 0

function setup(thread)
  thread_count = thread_count + 1
  thread:set("number", thread_count)
end

function init()
  wrk.headers["Content-Type"] = "application/json"
  if kind == "litellm" then
    wrk.headers["Authorization"] = "Bearer sk-bench-key"
  else
    wrk.headers["X-API-Key"] = "user-bench-0123456789abcdef"
    wrk.headers["anthropic-version"] = "2023-06-01"
  end
end

local function prompt()
  count = count + 1
  return string.format("Create a Unity mover with friction, variant %d of %d at %d",
    count, number, os.time())
end

function request()
  if kind == "get" then
    return wrk.format("GET", nil)
  elseif kind == "hit" then
    return wrk.format("POST", nil, nil, '{"prompt":"Create a Unity mover"}')
  elseif kind == "spark" then
    return wrk.format("POST", nil, nil, '{"prompt":"' .. prompt() .. '"}')
  end
  return wrk.format("POST", nil, nil, '{"model":"claude-sonnet-5-5","max_tokens":4096,' ..
    '"messages":[{"role":"user","content":"' .. prompt() .. '"}]}')
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%.3f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
