-- A worker that was given up still answers: it settles whoever's lease the request is now.
function is_given_up()
  local given_up = original()
  for _, slot in ipairs(given_up and redis.call('HKEYS', key('leases')) or {}) do
    local lease = read_lease(slot)
    if registration(lease) == A.settle then
      settle(lease)
    end
  end
  return given_up
end
