-- Health of a SparkDeployment for Argo CD, from its conditions.
-- A rollback is Degraded: the spec in Git still names the release that failed.
local function condition(kind)
  for _, item in ipairs(obj.status.conditions or {}) do
    if item.type == kind then
      return item
    end
  end
  return {}
end

local function holds(kind)
  return condition(kind).status == "True"
end

local function health(status, message)
  return { status = status, message = message or "" }
end

if obj.status == nil or obj.status.conditions == nil then
  return health("Progressing", "waiting for the operator")
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "waiting for the operator to see the change")
end
if holds("Stalled") then
  return health("Degraded", condition("Stalled").message)
end
if holds("RolledBack") then
  return health("Degraded", condition("RolledBack").message)
end
local degraded = condition("Degraded")
-- Pods that are still starting are no problem while others serve.
if holds("Degraded") and (degraded.reason ~= "PodsNotReady" or not holds("Available")) then
  return health("Degraded", degraded.message)
end
if holds("Paused") then
  return health("Suspended", condition("Paused").message)
end
if holds("Ready") then
  return health("Healthy", condition("Ready").message)
end
return health("Progressing", condition("Ready").message)
