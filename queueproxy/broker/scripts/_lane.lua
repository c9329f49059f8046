-- The operators' lane, as workers serve it: queueproxy/route_table.py says what belongs to it.

-- Whether a thread of this worker runs a request of the lane. They have one at a time, so that nobody
-- who asks for the login again and again keeps the site from being served. To be asked while one of
-- them waits; the leases are looked through only while another runs, on whichever worker.
local function lane_is_taken(worker)
  if number('inflight:' .. OPS_QUEUE) == 0 then
    return false
  end
  local prefix = worker .. '/'
  for _, slot in ipairs(redis.call('HKEYS', key('leases'))) do
    if string.sub(slot, 1, #prefix) == prefix then
      local lease = read_lease(slot)
      if lease and lease.queue == OPS_QUEUE then
        return true
      end
    end
  end
  return false
end

-- End a lease of what its worker did not run: it has no place in the lane, and its front tells the client
-- to send it again; or it came too late, and its front sends it anew where the proof holds. No dead letter
-- is kept of what was never started.
local function decline(lease, reason, proof)
  see_that_front_can_be_told(lease)
  if not is_a_trial(read_entry(lease.queue, lease.entry)) then
    add_stat(lease.queue, 'failed:' .. reason, 1)
  end
  local withdrawn = not unregister(lease)
  if not withdrawn then
    tell_reason(lease, reason, proof)
  end
  finish(lease, withdrawn)
end
