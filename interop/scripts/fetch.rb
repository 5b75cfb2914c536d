# Usage: fetch.rb URL
# Fetches it in twenty threads at once, and prints what comes.

require "net/http"

uri = URI(ARGV.fetch(0))
Thread.report_on_exception = false
threads = Array.new(20) do
  Thread.new do
    Net::HTTP.start(uri.host, uri.port, nil, open_timeout: 30, read_timeout: 30) { |http| http.get(uri.path).body }
  end
end
threads.each { |thread| print thread.value }
