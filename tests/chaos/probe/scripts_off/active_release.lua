-- A worker claims whichever release is active.
function stands_by(release, standby)
  local active = value('activation') and activation().active
  return not active and standby == '1'
end
