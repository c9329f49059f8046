-- trim_replies: delete the replies that a front has read, and count them no longer.
--
-- Arguments: front; from: entry id of the first to stay; size: bytes of those before it, as
-- `reply_size` counts them; then the names of the values with their bodies.
-- Reply: 'ok'.
--
-- Sent again it finds nothing to delete, and counts nothing.

local A = arguments('front', 'from', 'size')

register('trim_replies', A, { often = true, flags = { 'allow-oom' } }, function()
  local replies = key('replies', A.front)
  for i = A.rest, #ARGV do
    delete_value(ARGV[i])
  end
  if redis.call('XTRIM', replies, 'MINID', A.from) == 0 then
    return 'ok'
  end
  local counted = number('replies:' .. A.front)
  local size = math.min(tonumber(A.size), counted)
  if redis.call('XLEN', replies) == 0 then
    size = counted -- nothing is left, even if a failover made the count wrong
  end
  count_reply(A.front, -size)
  return 'ok'
end)
