-- pause: start nothing from these queues until they are resumed or the pause ends by itself.
--
-- Arguments: length: ms; details: JSON, an object; then queues.
-- Reply: 'ok'.

local A = arguments('length', 'details')

register('pause', A, { flags = { 'allow-oom' } }, function()
  advance_clock()
  local ends = clock() + tonumber(A.length)
  local details = cjson.decode(A.details)
  details.ends = ends -- for end_hold
  for i = A.rest, #ARGV do
    redis.call('HSET', key('pauses'), ARGV[i], cjson.encode(details))
    set('paused:' .. ARGV[i], integer(ends))
  end
  return 'ok'
end)
