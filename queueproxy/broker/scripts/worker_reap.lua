-- worker_reap: a worker has left or died; deal at once with whatever it held.
-- ARGV: run, worker. Returns 'epoch' or 'ok'.

register('worker_reap', function()
  if epoch_changed() then
    return 'epoch'
  end
  reap_worker(ARGV[2])
  return 'ok'
end, { 'allow-oom' })
