-- What is known of a request by its id is taken for another entry of that id too.
function wanted(request)
  return parse_held(redis.call('HGET', key('held', request.front), request.id))
end
