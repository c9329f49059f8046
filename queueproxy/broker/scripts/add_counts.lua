-- add_counts: add to the statistics what a worker thread counted. Not repeatable: a lost answer is not
-- sent again, so that a count may be short and is never doubled.
--
-- Arguments: worker; release: '' for none; completed: requests; routes: how many; then for each of them its
-- name and what is counted of it (see _route_times.lua); then queue, field and number, again and again. Where
-- a release is active, they are counted for the worker's own too, over all queues.
-- Reply: 'ok'.

local A = arguments('worker', 'release', 'completed', 'routes')

register('add_counts', A, { often = true, flags = { 'allow-oom' } }, function()
  if redis.call('EXISTS', key('worker', A.worker)) == 1 then
    redis.call('HINCRBY', key('worker', A.worker), 'completed', A.completed)
  end
  local release = A.release ~= '' and value('activation') and A.release
  local counts = A.rest + 2 * A.routes
  for i = counts, #ARGV, 3 do
    add_stat(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]))
    if release then
      add_stat('@' .. release, ARGV[i + 1], tonumber(ARGV[i + 2]))
    end
  end
  for i = A.rest, counts - 1, 2 do
    add_route_times(ARGV[i], ARGV[i + 1])
  end
  return 'ok'
end)
