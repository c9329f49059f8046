-- add_counts: add to the statistics what a worker thread counted. Not repeatable: a lost answer is not
-- sent again, so that a count may be short and is never doubled.
--
-- Arguments: worker; release: '' for none; completed: requests; routes: how many; kept: how many requests
-- that are over are kept of each kind; answered: how many of them are told; then for each of these its kind
-- and what is kept of it (see broker/answered.py); then for each route its
-- name and what is counted of it (see _route_times.lua); then queue, field and number, again and again. Where
-- a release is active, they are counted for the worker's own too, over all queues.
-- Reply: 'ok'.

local A = arguments('worker', 'release', 'completed', 'routes', 'kept', 'answered')
local ANSWERED_EXPIRE = 86400000 -- ms

-- Add to what is kept of one kind. What is of another type is left alone: it must not stop the rest.
local function keep(kind, notes)
  local answered = key('answered', kind)
  local length = redis.pcall('RPUSH', answered, unpack(notes))
  if type(length) == 'table' then
    return
  end
  if length > tonumber(A.kept) then
    redis.call('LTRIM', answered, -tonumber(A.kept), -1)
  end
  redis.call('PEXPIRE', answered, ANSWERED_EXPIRE)
end

local function keep_answered(first, last)
  local by_kind = {}
  for i = first, last, 2 do
    local notes = by_kind[ARGV[i]] or {}
    by_kind[ARGV[i]] = notes
    notes[#notes + 1] = ARGV[i + 1]
  end
  for kind, notes in pairs(by_kind) do
    keep(kind, notes)
  end
end

register('add_counts', A, { often = true, flags = { 'allow-oom' } }, function()
  if redis.call('EXISTS', key('worker', A.worker)) == 1 then
    redis.call('HINCRBY', key('worker', A.worker), 'completed', A.completed)
  end
  local release = A.release ~= '' and value('activation') and A.release
  local routes = A.rest + 2 * A.answered
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
  keep_answered(A.rest, routes - 1)
  return 'ok'
end)
