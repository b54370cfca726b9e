-- Sends the requests of a workload, then prints the figures as a line of JSON.
-- Arguments: weight, method, path and body of each request. "{id}" stands for the id of a film, 1 to 1000.

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

-- Formats all variants of a request before the clock starts, so that formatting is not measured.
local function variants(method, path, body)
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
  -- Each thread has its own random sequence, which is the same in every run.
  math.randomseed(number + 1)
  local kinds, total = {}, 0
  for i = 1, #args, 4 do
    total = total + tonumber(args[i])
    kinds[#kinds + 1] = { upto = total, variants = variants(args[i + 1], args[i + 2], args[i + 3]) }
  end
  function request()
    local dice = #kinds > 1 and math.random(total) or total
    for _, kind in ipairs(kinds) do
      if dice <= kind.upto then
        return kind.variants[#kind.variants > 1 and math.random(#kind.variants) or 1]
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
