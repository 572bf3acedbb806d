-- Requests for wrk: arguments are the file of cookies, events a request, the number of pages, and which of several wrk
-- at once this is.

local cookies = {}
local events, pages, sent

function init(arguments)
  for line in io.lines(arguments[1]) do
    cookies[#cookies + 1] = line
  end
  events, pages, sent = tonumber(arguments[2]), tonumber(arguments[3]), 0
  math.randomseed(os.time() * 16 + tonumber(arguments[4]))
  -- Ids as the snippet makes them, UUIDv7: the time comes first, then a number that no other run has.
  prefix = string.format("%08x-%04x-7%03x-9%03x-", math.floor(os.time() * 1000 / 65536), os.time() % 65536,
    math.random(0, 4095), math.random(0, 4095))
end

function request()
  local list, now = {}, os.time() * 1000
  for number = 1, events do
    sent = sent + 1
    list[number] = string.format(
      '{"id":"%s%012x","name":"page_view","at":%d,"url":"https://www.example.com/page/%d?utm_source=news",' ..
      '"title":"A page of the shop","referrer":"https://www.example.com/"}',
      prefix, sent, now, math.random(0, pages - 1))
  end
  local body = string.format('{"site":"main","sent_at":%d,"events":[%s]}', now, table.concat(list, ","))
  return wrk.format("POST", "/e", {
    ["Content-Type"] = "text/plain",
    ["Cookie"] = "lt=" .. cookies[math.random(#cookies)],
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  }, body)
end
