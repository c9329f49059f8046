-- add_counts: add to the statistics what a worker thread counted. Not repeatable: a lost answer is not
-- sent again, so that a count may be short and is never doubled.
--
-- Arguments: worker; release: '' for none; completed: requests; routes: how many; kept: how many requests
-- that are over are kept of each kind; ordinary, notable: how many of them are told; then what is kept of
-- each (see broker/answered.py), the ordinary ones first; then for each route its
-- name and what is counted of it (see _route_times.lua); then queue, field and number, again and again. Where
-- a release is active, they are counted for the worker's own too, over all queues.
-- Reply: 'ok'.

local A = arguments('worker', 'release', 'completed', 'routes', 'kept', 'ordinary', 'notable')
local ANSWERED_EXPIRE = 86400000 -- ms

-- Add to what is kept of one kind. What is of another type is left alone: it must not stop the rest.
local function keep(kind, first, last)
  if last < first then
    return
  end
  local answered = key('answered', kind)
  local length = redis.pcall('RPUSH', answered, unpack(ARGV, first, last))
  if type(length) == 'table' then
    return
  end
  if length > tonumber(A.kept) then
    redis.call('LTRIM', answered, -tonumber(A.kept), -1)
  end
  redis.call('PEXPIRE', answered, ANSWERED_EXPIRE)
end

register('add_counts', A, { often = true, flags = { 'allow-oom' } }, function()
  if redis.call('EXISTS', key('worker', A.worker)) == 1 then
    redis.call('HINCRBY', key('worker', A.worker), 'completed', A.completed)
  end
  local release = A.release ~= '' and value('activation') and A.release
  local notable = A.rest + A.ordinary
  local routes = notable + A.notable
  local counts = routes + 2 * A.routes
  for i = counts, #ARGV, 3 do
    add_stat(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]))
    if release then
      add_stat('@' .. release, ARGV[i + 1], tonumber(ARGV[i + 2]))
    end
  end
  for i = routes, counts - 1, 2 do
    add_route_times(ARGV[i], ARGV[i + 1])
  end
  keep('ordinary', A.rest, notable - 1)
  keep('notable', notable, routes - 1)
  return 'ok'
end)
