-- worker_reap: a worker has left or died; deal at once with whatever it held.
--
-- Arguments: worker.
-- Reply: 'ok'.

local A = arguments('worker')

register('worker_reap', A, { flags = { 'allow-oom' } }, function()
  reap_worker(A.worker)
  return 'ok'
end)
