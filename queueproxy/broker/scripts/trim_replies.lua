-- trim_replies: a front has its replies up to one; they are deleted, and no longer counted.
--
-- Arguments: front; from: entry id of the first to stay; size: bytes of those before it, as
-- `reply_size` counts them.
-- Reply: 'ok'.
--
-- Sent again it finds nothing to delete, and counts nothing.

local A = arguments('front', 'from', 'size')

register('trim_replies', A, { flags = { 'allow-oom' } }, function()
  local replies = key('replies', A.front)
  if redis.call('XTRIM', replies, 'MINID', A.from) == 0 then
    return 'ok'
  end
  local counted = number('replies:' .. A.front)
  local size = math.min(tonumber(A.size), counted)
  if redis.call('XLEN', replies) == 0 then
    size = counted -- also what a failover has made of it
  end
  count_reply(A.front, -size)
  return 'ok'
end)
