# Runs the ruby filter of a Logstash configuration over lines, one event each, as Logstash does:
# the plugin evaluates `init` once in itself and makes a lambda of `code`.
#
#     filter.rb INIT CODE < lines > documents
#
# Of Logstash there is only what the filter uses: an event's top-level fields by their names, its
# metadata, and a timestamp. Each document is written with the id that the output would use.
require "json"
require "time"

module LogStash
  class Timestamp
    def initialize(text)
      @time = Time.iso8601(text)  # raises ArgumentError, as Logstash's does
      @text = text
    end

    def to_s
      @text
    end
  end

  class Event
    READ_AT = "2026-03-07T12:00:00.000Z"

    def initialize(fields)
      @fields = {"@timestamp" => READ_AT, "@version" => "1", "host" => "h", "path" => "/logs/app.log"}
      @fields.update(fields)
      @metadata = {}
    end

    def get(reference)
      @fields[reference[/\A\[([^\[\]]+)\]\z/, 1]]
    end

    def set(name, value)
      if name == "[@metadata][id]"
        @metadata["id"] = value
      elsif name.include?("[")
        raise "no field #{name}"
      else
        @fields[name] = value.is_a?(Timestamp) ? value.to_s : value
      end
    end

    def remove(name)
      @fields.delete(name)
    end

    def to_hash
      @fields.dup
    end

    def told
      {"id" => @metadata["id"], "document" => @fields}
    end
  end
end

class Plugin
  def initialize(init, code)
    eval(init, binding, "(ruby filter init)")
    eval("@codeblock = lambda { |event, &new_event_block| #{code} }", binding, "(ruby filter code)")
  end

  def filter(event)
    @codeblock.call(event)
    event
  end
end

# As the codec does with `target`: an object stands under [record], anything else is a message.
def decoded(line)
  record = JSON.parse(line)
  raise JSON::ParserError unless record.is_a?(Hash)
  {"record" => record}
rescue JSON::ParserError
  {"message" => line, "tags" => ["_jsonparsefailure"]}
end

plugin = Plugin.new(File.read(ARGV[0], encoding: "UTF-8"), File.read(ARGV[1], encoding: "UTF-8"))
$stdin.set_encoding("UTF-8")
$stdout.set_encoding("UTF-8")
$stdin.each_line(chomp: true) do |line|
  puts JSON.generate(plugin.filter(LogStash::Event.new(decoded(line))).told)
end
