-- As load.lua, with another path for each request: the number at the end of the URL, and those below it.

local directory = debug.getinfo(1, 'S').source:match('^@(.*/)') or ''
dofile(directory .. 'load.lua')

local number, paths, base = 0

function request()
  if not paths then
    base, paths = wrk.path:match('^(.-)(%d+)/$')
    paths = tonumber(paths)
  end
  number = number % paths + 1
  return wrk.format(nil, base .. number .. '/')
end
