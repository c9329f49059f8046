-- search: find entries of a queue, or dead letters, whose heads have a text in them; without their bodies.
-- A call looks through a part of them: who waits for the broker meanwhile does so for milliseconds.
--
-- Arguments: queue: '' for the dead letters; newest_first: 1 or 0; after: entry id to go on behind, '' to
-- begin; text: '' for any.
-- Reply: {entry id to go on behind, '' at the end; entry id; {fields and values}; entry id; ...}.

local A = arguments('queue', 'newest_first', 'after', 'text')
local AT_ONCE = 20 -- entries read together
local MOST, MOST_BYTES = 500, 1048576 -- of entries looked through by a call

local function read_on(after)
  local stream = A.queue == '' and key('dead') or key('queue', A.queue)
  local from = after ~= '' and '(' .. after
  if A.newest_first == '1' then
    return redis.call('XREVRANGE', stream, from or '+', '-', 'COUNT', AT_ONCE)
  end
  return redis.call('XRANGE', stream, from or '-', '+', 'COUNT', AT_ONCE)
end

-- Fields and values but the body, nil where the text is not in the head; and the bytes of all.
local function looked_at(flat)
  local shown, size, fits = {}, 0, A.text == ''
  for i = 1, #flat, 2 do
    local field, told = flat[i], flat[i + 1]
    size = size + #told
    if field ~= 'b' then
      shown[#shown + 1] = field
      shown[#shown + 1] = told
    end
    fits = fits or (field == 'h' and string.find(told, A.text, 1, true) ~= nil)
  end
  return fits and shown or nil, size
end

register('search', A, { flags = { 'no-writes' } }, function()
  local found, looked, bytes, after = { '' }, 0, 0, A.after
  repeat
    local entries = read_on(after)
    for _, entry in ipairs(entries) do
      local shown, size = looked_at(entry[2])
      if shown then
        found[#found + 1] = entry[1]
        found[#found + 1] = shown
      end
      looked, bytes, after = looked + 1, bytes + size, entry[1]
    end
    if #entries < AT_ONCE then
      return found
    end
  until looked >= MOST or bytes >= MOST_BYTES
  found[1] = after
  return found
end)
