-- One call of a function: what its caller may do, what is the same in all of them.

-- By PREFIX, whether what is counted there is known to be right: not where a script has broken off, nor
-- where this library has just been loaded (a restart, a failover). The server keeps it in its memory, for
-- whoever may write nothing may not write this down either. See _recount.lua.
local sound = {}

local may_run_all -- whether this call's user may run all commands of its function, nil: not looked at yet
local FUNCTION -- name of the function that is called, without the library's

-- The names of a script's arguments, in order. Its callback finds them in the table returned; `rest`
-- is where in ARGV those begin that have no name.
local function arguments(...)
  local names = { ... }
  return { names = names, rest = 2 + #names }
end

local function name_arguments(A)
  local names = A.names
  for i = 1, #names do
    A[names[i]] = ARGV[i + 1]
  end
end

-- Return why the caller must not go on, nil where it may: 'schema <found>' where the keys are another
-- release's, 'epoch' where the server is not the one the caller believes it talks to (restart,
-- failover, flush). Both fields have been read ahead.
local function disagreement()
  local run = known.run
  local schema = known.schema or (run and '1')
  if schema and schema ~= SCHEMA then
    return 'schema ' .. schema
  end
  return run ~= RUN and 'epoch' or nil
end

local AGREED_ON = { 'run', 'schema' } -- fields every script reads

-- The command of a function that its caller may not run: a function runs with its caller's rights,
-- and those may be taken away at any time. nil where it may run all. COMMANDS is made of the scripts'
-- text, as `queueproxy acl` prints it.
local function command_refused(name)
  for _, command in ipairs(COMMANDS[name]) do
    if not redis.acl_check_cmd(command[1], command[2] or STATE, STATE) then
      return 'NOPERM this user has no permissions to run the \'' .. command[1]:lower() .. '\' command'
    end
  end
  return nil
end

-- Fail before anything is changed in steps that can't be done again from the beginning.
local function see_that_all_is_allowed()
  local refused = not may_run_all and command_refused(FUNCTION)
  if refused then
    error(redis.error_reply(refused), 0)
  end
  may_run_all = true
end

-- Milliseconds of the server's clock.
local function server_ms()
  local clock = redis.call('TIME')
  return clock[1] * 1000 + math.floor(clock[2] / 1000)
end

-- Make `run` callable as the function of that name.
--
-- A: the script's arguments (see `arguments`).
-- options.flags: without, the function is refused while the server is out of memory. Those with
--   'allow-oom' give memory back, or keep what was admitted going.
-- options.read_ahead: the fields to read before `run`, AGREED_ON among them, where it needs more.
-- options.any_epoch: also for a caller that believes in another server.
-- options.often: called for each request. Others are refused where their caller may not run all that is
--   in them; to look at that costs these too much (half a microsecond a command), and they do so only where
--   it matters (`see_that_all_is_allowed`), and while something is not `sound`.
--
-- Any script may reply 'epoch' or 'schema <found>', and has done nothing then.
--
-- Where `run` errs in the middle (a key of the wrong type, a command refused), Redis keeps what was done so
-- far. So the counters collected so far are written whatever happens, and then the error goes on. What
-- makes that right is how the rest is written: a helper first reads each key it is going to change, for a
-- command that errs has done nothing; it changes first what is safe to change twice, and last what
-- makes the call be repeated (the lease, the entry); and it counts right behind the command it counts.
-- The counters themselves may be what is refused: the next heartbeat counts anew.
local function register(name, A, options, run)
  local read_ahead, any_epoch, often = options.read_ahead, options.any_epoch, options.often
  redis.register_function({
    function_name = LIBRARY .. '_' .. name,
    flags = options.flags,
    callback = function(keys, args)
      RUN, ARGV = args[1], args
      STATE = keys[1]
      PREFIX = string.sub(STATE, 1, -6) -- without 'state'
      NOW = server_ms()
      known, changed, deltas, found, stats_deltas = {}, {}, {}, {}, {}
      CLOCK, groups = nil, nil
      FUNCTION, may_run_all, recounted = name, nil, nil
      name_arguments(A)
      prefetch(read_ahead and read_ahead() or AGREED_ON)
      local why_not = disagreement()
      if why_not and not (any_epoch and why_not == 'epoch') then
        return why_not
      end
      local refused = not (often and sound[PREFIX]) and command_refused(name)
      if refused then
        return redis.error_reply(refused)
      end
      may_run_all = not (often and sound[PREFIX])
      local done, result = pcall(run)
      local written, why = pcall(write_state)
      if not (done and written) then
        sound[PREFIX] = nil
        error(done and why or result, 0)
      end
      sound[PREFIX] = sound[PREFIX] or recounted
      return result
    end,
  })
end
