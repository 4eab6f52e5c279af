#!/bin/sh
# A CLI that costs a tenth of a megabyte, for a thousand of them. It answers one word; only what the shell has built in.
session=
for each in "$@"; do case $each in --session-id=*|--resume=*) session=${each#*=};; esac; done
delta='{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word "}},"session_id":"'$session'","parent_tool_use_id":null,"uuid":"u"}'
end='{"type":"result","subtype":"success","is_error":false,"result":"word ","session_id":"'$session'","total_cost_usd":0.01,"duration_ms":1,"num_turns":1,"usage":{"input_tokens":1,"output_tokens":1}}'
while IFS= read -r line; do
  case $line in
    *'"control_request"'*)
      id=${line#*'"request_id":"'}
      printf '{"type":"control_response","response":{"subtype":"success","request_id":"%s","response":{"commands":[]}}}\n' "${id%%'"'*}";;
    *'"type":"user"'*) printf '%s\n%s\n%s\n' '{"type":"system","subtype":"init","session_id":"'$session'","model":"stub"}' "$delta" "$end";;
  esac
done
