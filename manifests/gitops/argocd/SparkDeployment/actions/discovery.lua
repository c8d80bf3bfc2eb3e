-- What a person may ask for now; the operator has the last word and records it in status.requests.
local status = obj.status or {}
local phase = status.phase or "Pending"
local failure = status.failure or {}
local on_trial = {
  Preflight = true, Migrating = true, Progressing = true, Paused = true, Promoting = true,
}
local quarantined = false
for _, entry in ipairs(status.quarantine or {}) do
  quarantined = quarantined or entry.release == failure.release
end

local function action(possible, name, icon)
  return { disabled = not possible, displayName = name, iconClass = "fa fa-fw " .. icon }
end

return {
  ["promote"] = action(
    status.candidate ~= nil and (phase == "Progressing" or phase == "Paused"),
    "Promote to the next step", "fa-forward"),
  ["abort"] = action(on_trial[phase] or phase == "Guarding", "Abort the rollout", "fa-undo"),
  ["retry"] = action(
    phase == "RolledBack" and not quarantined, "Try the release again", "fa-redo"),
  ["let-out"] = action(
    phase == "RolledBack" and quarantined, "Let the release out of quarantine", "fa-unlock"),
  ["pause"] = action(not obj.spec.paused, "Pause", "fa-pause"),
  ["resume"] = action(obj.spec.paused == true, "Resume", "fa-play"),
}
