-- Sends the requests of a workload, and says at the end what came of them as one line of JSON.
-- Arguments: weight, method, path and body of each request; "{id}" stands for a film's, 1 to 1000.

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local function formatted(method, path, body)
  local headers = body ~= "" and { ["Content-Type"] = "application/json" } or {}
  headers["Host"] = wrk.headers["Host"]
  return wrk.format(method, path, headers, body ~= "" and body or nil)
end

-- Every form of a request is made before the clock runs: making them is not what is measured.
local function forms(method, path, body)
  if not (path .. body):find("{id}", 1, true) then
    return { formatted(method, path, body) }
  end
  local all = {}
  for id = 1, 1000 do
    all[id] = formatted(method, path:gsub("{id}", id), body:gsub("{id}", id))
  end
  return all
end

function init(args)
  -- A sequence of its own for each thread, and the same in every run.
  math.randomseed(number + 1)
  local kinds, total = {}, 0
  for i = 1, #args, 4 do
    total = total + tonumber(args[i])
    kinds[#kinds + 1] = { upto = total, forms = forms(args[i + 1], args[i + 2], args[i + 3]) }
  end
  function request()
    local dice = #kinds > 1 and math.random(total) or total
    for _, kind in ipairs(kinds) do
      if dice <= kind.upto then
        return kind.forms[#kind.forms > 1 and math.random(#kind.forms) or 1]
      end
    end
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'loadtest: {"requests":%d,"seconds":%.6f,"bytes":%d,' ..
    '"errors":{"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d},' ..
    '"latency_ms":{"mean":%.6f,"p50":%.3f,"p90":%.3f,"p99":%.3f,"p999":%.3f,"max":%.3f}}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    errors.status, errors.connect, errors.read, errors.write, errors.timeout,
    latency.mean / 1e3, latency:percentile(50) / 1e3, latency:percentile(90) / 1e3,
    latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3, latency.max / 1e3))
end
