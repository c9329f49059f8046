-- A lost worker's unsafe request is run again like any other.
function recover(lease)
  if not wanted(lease) or lease.attempt >= 3 then
    return original(lease)
  end
  requeue(lease, lease.attempt)
  add_stat(lease.queue, 'redelivered', 1)
end
