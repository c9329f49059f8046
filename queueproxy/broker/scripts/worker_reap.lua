-- include: requests
-- worker_reap: a worker has left or died; deal at once with whatever it held.
-- ARGV: run, worker. Returns 'epoch' or 'ok'.

if epoch_changed() then
  return 'epoch'
end
reap_worker(ARGV[2])
return finish('ok')
