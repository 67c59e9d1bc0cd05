(component
  (type $ty-workflowforge:plugin/log@0.1.0 (;0;)
    (instance
      (type (;0;) (enum "trace" "debug" "info" "warn" "error"))
      (export (;1;) "level" (type (eq 0)))
      (type (;2;) (tuple string string))
      (type (;3;) (list 2))
      (type (;4;) (func (param "level" 1) (param "message" string) (param "fields" 3)))
      (export (;0;) "write" (func (type 4)))
    )
  )
  (import "workflowforge:plugin/log@0.1.0" (instance $workflowforge:plugin/log@0.1.0 (;0;) (type $ty-workflowforge:plugin/log@0.1.0)))
  (type $ty-workflowforge:plugin/types@0.1.0 (;1;)
    (instance
      (type (;0;) string)
      (export (;1;) "json" (type (eq 0)))
      (type (;2;) (option u64))
      (type (;3;) (record (field "code" string) (field "message" string) (field "retryable" bool) (field "retry-after-ms" 2) (field "details" 1)))
      (export (;4;) "problem" (type (eq 3)))
      (type (;5;) (record (field "capability" string) (field "resource" string) (field "hint" string)))
      (export (;6;) "denial" (type (eq 5)))
      (type (;7;) (variant (case "invalid-input" 4) (case "denied" 6) (case "limit" 4) (case "upstream" 4) (case "cancelled" 4) (case "failed" 4)))
      (export (;8;) "failure" (type (eq 7)))
      (type (;9;) (record (field "digest" string) (field "size" u64) (field "media-type" string) (field "extra" 1)))
      (export (;10;) "blob-ref" (type (eq 9)))
    )
  )
  (import "workflowforge:plugin/types@0.1.0" (instance $workflowforge:plugin/types@0.1.0 (;1;) (type $ty-workflowforge:plugin/types@0.1.0)))
  (alias export $workflowforge:plugin/types@0.1.0 "json" (type $json (;2;)))
  (alias export $workflowforge:plugin/types@0.1.0 "failure" (type $failure (;3;)))
  (type $ty-workflowforge:plugin/events@0.1.0 (;4;)
    (instance
      (alias outer 1 $json (type (;0;)))
      (export (;1;) "json" (type (eq 0)))
      (alias outer 1 $failure (type (;2;)))
      (export (;3;) "failure" (type (eq 2)))
      (type (;4;) (result (error 3)))
      (type (;5;) (func (param "topic" string) (param "payload" 1) (result 4)))
      (export (;0;) "emit" (func (type 5)))
    )
  )
  (import "workflowforge:plugin/events@0.1.0" (instance $workflowforge:plugin/events@0.1.0 (;2;) (type $ty-workflowforge:plugin/events@0.1.0)))
  (alias export $workflowforge:plugin/types@0.1.0 "failure" (type $"#type5 failure" (@name "failure") (;5;)))
  (alias export $workflowforge:plugin/types@0.1.0 "blob-ref" (type $blob-ref (;6;)))
  (type $ty-workflowforge:plugin/blobs@0.1.0 (;7;)
    (instance
      (export (;0;) "writer" (type (sub resource)))
      (alias outer 1 $"#type5 failure" (type (;1;)))
      (export (;2;) "failure" (type (eq 1)))
      (alias outer 1 $blob-ref (type (;3;)))
      (export (;4;) "blob-ref" (type (eq 3)))
      (type (;5;) (borrow 0))
      (type (;6;) (list u8))
      (type (;7;) (result (error 2)))
      (type (;8;) (func (param "self" 5) (param "bytes" 6) (result 7)))
      (export (;0;) "[method]writer.append" (func (type 8)))
      (type (;9;) (result 4 (error 2)))
      (type (;10;) (func (param "self" 5) (result 9)))
      (export (;1;) "[method]writer.finish" (func (type 10)))
      (type (;11;) (own 0))
      (type (;12;) (result 11 (error 2)))
      (type (;13;) (func (param "media-type" string) (result 12)))
      (export (;2;) "create" (func (type 13)))
      (type (;14;) (result 6 (error 2)))
      (type (;15;) (func (param "blob" 4) (param "offset" u64) (param "len" u32) (result 14)))
      (export (;3;) "read" (func (type 15)))
    )
  )
  (import "workflowforge:plugin/blobs@0.1.0" (instance $workflowforge:plugin/blobs@0.1.0 (;3;) (type $ty-workflowforge:plugin/blobs@0.1.0)))
  (alias export $workflowforge:plugin/types@0.1.0 "json" (type $"#type8 json" (@name "json") (;8;)))
  (alias export $workflowforge:plugin/types@0.1.0 "failure" (type $"#type9 failure" (@name "failure") (;9;)))
  (type $ty-workflowforge:plugin/kv@0.1.0 (;10;)
    (instance
      (type (;0;) (enum "run" "thread" "plugin"))
      (export (;1;) "scope" (type (eq 0)))
      (alias outer 1 $"#type8 json" (type (;2;)))
      (export (;3;) "json" (type (eq 2)))
      (type (;4;) (record (field "key" string) (field "value" 3) (field "version" u64)))
      (export (;5;) "entry" (type (eq 4)))
      (alias outer 1 $"#type9 failure" (type (;6;)))
      (export (;7;) "failure" (type (eq 6)))
      (type (;8;) (list 5))
      (type (;9;) (option string))
      (type (;10;) (record (field "entries" 8) (field "cursor" 9)))
      (export (;11;) "page" (type (eq 10)))
      (type (;12;) (option 5))
      (type (;13;) (result 12 (error 7)))
      (type (;14;) (func (param "scope" 1) (param "key" string) (result 13)))
      (export (;0;) "get" (func (type 14)))
      (type (;15;) (option u64))
      (type (;16;) (result 5 (error 7)))
      (type (;17;) (func (param "scope" 1) (param "key" string) (param "value" 3) (param "ttl-ms" 15) (result 16)))
      (export (;1;) "set" (func (type 17)))
      (type (;18;) (result bool (error 7)))
      (type (;19;) (func (param "scope" 1) (param "key" string) (result 18)))
      (export (;2;) "delete" (func (type 19)))
      (type (;20;) (result 11 (error 7)))
      (type (;21;) (func (param "scope" 1) (param "prefix" string) (param "limit" u32) (param "cursor" 9) (result 20)))
      (export (;3;) "list" (func (type 21)))
      (type (;22;) (func (param "scope" 1) (param "key" string) (param "expected" 15) (param "value" 3) (result 18)))
      (export (;4;) "compare-and-swap" (func (type 22)))
    )
  )
  (import "workflowforge:plugin/kv@0.1.0" (instance $workflowforge:plugin/kv@0.1.0 (;4;) (type $ty-workflowforge:plugin/kv@0.1.0)))
  (alias export $workflowforge:plugin/types@0.1.0 "blob-ref" (type $"#type11 blob-ref" (@name "blob-ref") (;11;)))
  (alias export $workflowforge:plugin/types@0.1.0 "json" (type $"#type12 json" (@name "json") (;12;)))
  (alias export $workflowforge:plugin/types@0.1.0 "failure" (type $"#type13 failure" (@name "failure") (;13;)))
  (type $ty-workflowforge:plugin/llm@0.1.0 (;14;)
    (instance
      (alias outer 1 $"#type11 blob-ref" (type (;0;)))
      (export (;1;) "blob-ref" (type (eq 0)))
      (alias outer 1 $"#type12 json" (type (;2;)))
      (export (;3;) "json" (type (eq 2)))
      (type (;4;) (record (field "id" string) (field "name" string) (field "arguments" 3)))
      (export (;5;) "tool-call" (type (eq 4)))
      (type (;6;) (record (field "id" string) (field "content" 3) (field "is-error" bool)))
      (export (;7;) "tool-result" (type (eq 6)))
      (type (;8;) (variant (case "text" string) (case "blob" 1) (case "tool-call" 5) (case "tool-result" 7) (case "other" 3)))
      (export (;9;) "part" (type (eq 8)))
      (type (;10;) (list 9))
      (type (;11;) (record (field "role" string) (field "parts" 10)))
      (export (;12;) "message" (type (eq 11)))
      (type (;13;) (record (field "name" string) (field "description" string) (field "parameters" 3)))
      (export (;14;) "tool" (type (eq 13)))
      (type (;15;) (list 12))
      (type (;16;) (list 14))
      (type (;17;) (option 3))
      (type (;18;) (option u32))
      (type (;19;) (option f64))
      (type (;20;) (option string))
      (type (;21;) (record (field "model" string) (field "messages" 15) (field "tools" 16) (field "response-schema" 17) (field "max-tokens" 18) (field "temperature" 19) (field "stream-to" 20) (field "options" 3)))
      (export (;22;) "request" (type (eq 21)))
      (type (;23;) (record (field "input-tokens" u64) (field "output-tokens" u64) (field "extra" 3)))
      (export (;24;) "usage" (type (eq 23)))
      (type (;25;) (record (field "message" 12) (field "finish" string) (field "usage" 24) (field "model" string) (field "extra" 3)))
      (export (;26;) "response" (type (eq 25)))
      (alias outer 1 $"#type13 failure" (type (;27;)))
      (export (;28;) "failure" (type (eq 27)))
      (type (;29;) (list 22))
      (type (;30;) (result 26 (error 28)))
      (type (;31;) (list 30))
      (type (;32;) (result 31 (error 28)))
      (type (;33;) (func (param "requests" 29) (result 32)))
      (export (;0;) "complete" (func (type 33)))
    )
  )
  (import "workflowforge:plugin/llm@0.1.0" (instance $workflowforge:plugin/llm@0.1.0 (;5;) (type $ty-workflowforge:plugin/llm@0.1.0)))
  (alias export $workflowforge:plugin/types@0.1.0 "failure" (type $"#type15 failure" (@name "failure") (;15;)))
  (type $ty-workflowforge:plugin/secrets@0.1.0 (;16;)
    (instance
      (export (;0;) "secret" (type (sub resource)))
      (alias outer 1 $"#type15 failure" (type (;1;)))
      (export (;2;) "failure" (type (eq 1)))
      (type (;3;) (borrow 0))
      (type (;4;) (result string (error 2)))
      (type (;5;) (func (param "self" 3) (result 4)))
      (export (;0;) "[method]secret.reveal" (func (type 5)))
      (type (;6;) (own 0))
      (type (;7;) (result 6 (error 2)))
      (type (;8;) (func (param "name" string) (result 7)))
      (export (;1;) "get" (func (type 8)))
    )
  )
  (import "workflowforge:plugin/secrets@0.1.0" (instance $workflowforge:plugin/secrets@0.1.0 (;6;) (type $ty-workflowforge:plugin/secrets@0.1.0)))
  (alias export $workflowforge:plugin/secrets@0.1.0 "secret" (type $secret (;17;)))
  (alias export $workflowforge:plugin/types@0.1.0 "blob-ref" (type $"#type18 blob-ref" (@name "blob-ref") (;18;)))
  (alias export $workflowforge:plugin/types@0.1.0 "json" (type $"#type19 json" (@name "json") (;19;)))
  (alias export $workflowforge:plugin/types@0.1.0 "failure" (type $"#type20 failure" (@name "failure") (;20;)))
  (type $ty-workflowforge:plugin/http@0.1.0 (;21;)
    (instance
      (alias outer 1 $secret (type (;0;)))
      (export (;1;) "secret" (type (eq 0)))
      (type (;2;) (borrow 1))
      (type (;3;) (record (field "header" string) (field "template" string) (field "secret" 2)))
      (export (;4;) "credential" (type (eq 3)))
      (alias outer 1 $"#type18 blob-ref" (type (;5;)))
      (export (;6;) "blob-ref" (type (eq 5)))
      (type (;7;) (list u8))
      (type (;8;) (variant (case "bytes" 7) (case "blob" 6)))
      (export (;9;) "body" (type (eq 8)))
      (alias outer 1 $"#type19 json" (type (;10;)))
      (export (;11;) "json" (type (eq 10)))
      (type (;12;) (tuple string string))
      (type (;13;) (list 12))
      (type (;14;) (list 4))
      (type (;15;) (option 9))
      (type (;16;) (option u64))
      (type (;17;) (record (field "method" string) (field "url" string) (field "headers" 13) (field "credentials" 14) (field "body" 15) (field "timeout-ms" 16) (field "options" 11)))
      (export (;18;) "request" (type (eq 17)))
      (type (;19;) (record (field "status" u16) (field "headers" 13) (field "body" 9) (field "extra" 11)))
      (export (;20;) "response" (type (eq 19)))
      (alias outer 1 $"#type20 failure" (type (;21;)))
      (export (;22;) "failure" (type (eq 21)))
      (type (;23;) (list 18))
      (type (;24;) (result 20 (error 22)))
      (type (;25;) (list 24))
      (type (;26;) (result 25 (error 22)))
      (type (;27;) (func (param "requests" 23) (result 26)))
      (export (;0;) "fetch" (func (type 27)))
    )
  )
  (import "workflowforge:plugin/http@0.1.0" (instance $workflowforge:plugin/http@0.1.0 (;7;) (type $ty-workflowforge:plugin/http@0.1.0)))
  (alias export $workflowforge:plugin/types@0.1.0 "json" (type $"#type22 json" (@name "json") (;22;)))
  (alias export $workflowforge:plugin/types@0.1.0 "failure" (type $"#type23 failure" (@name "failure") (;23;)))
  (type $ty-workflowforge:plugin/tools@0.1.0 (;24;)
    (instance
      (alias outer 1 $"#type22 json" (type (;0;)))
      (export (;1;) "json" (type (eq 0)))
      (type (;2;) (record (field "name" string) (field "description" string) (field "input-schema" 1) (field "output-schema" 1)))
      (export (;3;) "tool" (type (eq 2)))
      (alias outer 1 $"#type23 failure" (type (;4;)))
      (export (;5;) "failure" (type (eq 4)))
      (type (;6;) (record (field "name" string) (field "input" 1) (field "options" 1)))
      (export (;7;) "request" (type (eq 6)))
      (type (;8;) (list 3))
      (type (;9;) (result 8 (error 5)))
      (type (;10;) (func (result 9)))
      (export (;0;) "list" (func (type 10)))
      (type (;11;) (list 7))
      (type (;12;) (result 1 (error 5)))
      (type (;13;) (list 12))
      (type (;14;) (result 13 (error 5)))
      (type (;15;) (func (param "requests" 11) (result 14)))
      (export (;1;) "call" (func (type 15)))
    )
  )
  (import "workflowforge:plugin/tools@0.1.0" (instance $workflowforge:plugin/tools@0.1.0 (;8;) (type $ty-workflowforge:plugin/tools@0.1.0)))
  (alias export $workflowforge:plugin/types@0.1.0 "json" (type $"#type25 json" (@name "json") (;25;)))
  (alias export $workflowforge:plugin/types@0.1.0 "failure" (type $"#type26 failure" (@name "failure") (;26;)))
  (type $ty-workflowforge:plugin/human@0.1.0 (;27;)
    (instance
      (alias outer 1 $"#type25 json" (type (;0;)))
      (export (;1;) "json" (type (eq 0)))
      (type (;2;) (option 1))
      (type (;3;) (option u64))
      (type (;4;) (option string))
      (type (;5;) (record (field "prompt" string) (field "schema" 2) (field "deadline-ms" 3) (field "assignee" 4) (field "options" 1)))
      (export (;6;) "request" (type (eq 5)))
      (alias outer 1 $"#type26 failure" (type (;7;)))
      (export (;8;) "failure" (type (eq 7)))
      (type (;9;) (list 6))
      (type (;10;) (result 1 (error 8)))
      (type (;11;) (list 10))
      (type (;12;) (result 11 (error 8)))
      (type (;13;) (func (param "requests" 9) (result 12)))
      (export (;0;) "ask" (func (type 13)))
    )
  )
  (import "workflowforge:plugin/human@0.1.0" (instance $workflowforge:plugin/human@0.1.0 (;9;) (type $ty-workflowforge:plugin/human@0.1.0)))
  (alias export $workflowforge:plugin/types@0.1.0 "failure" (type $"#type28 failure" (@name "failure") (;28;)))
  (type $ty-workflowforge:plugin/timer@0.1.0 (;29;)
    (instance
      (alias outer 1 $"#type28 failure" (type (;0;)))
      (export (;1;) "failure" (type (eq 0)))
      (type (;2;) (result (error 1)))
      (type (;3;) (func (param "ms" u64) (result 2)))
      (export (;0;) "sleep" (func (type 3)))
    )
  )
  (import "workflowforge:plugin/timer@0.1.0" (instance $workflowforge:plugin/timer@0.1.0 (;10;) (type $ty-workflowforge:plugin/timer@0.1.0)))
  (core module $main (;0;)
    (type (;0;) (func (param i32 i32 i32 i32 i32)))
    (type (;1;) (func (param i32 i32 i32)))
    (type (;2;) (func (param i32 i32 i32 i32)))
    (type (;3;) (func (param i32 i32)))
    (type (;4;) (func (param i32)))
    (type (;5;) (func (param i32 i32 i64 i32 i32 i32 i32 i64 i32 i32)))
    (type (;6;) (func (param i32 i32 i32 i32 i32 i32 i64 i32)))
    (type (;7;) (func (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (type (;8;) (func (param i32 i32 i32 i32 i64 i32 i32 i32)))
    (type (;9;) (func (param i64 i32)))
    (type (;10;) (func (param i32 i32 i32 i32) (result i32)))
    (type (;11;) (func (result i32)))
    (type (;12;) (func))
    (type (;13;) (func (param i32) (result i32)))
    (import "workflowforge:plugin/log@0.1.0" "write" (func $log (;0;) (type 0)))
    (import "workflowforge:plugin/events@0.1.0" "emit" (func $emit (;1;) (type 0)))
    (import "workflowforge:plugin/blobs@0.1.0" "create" (func $create (;2;) (type 1)))
    (import "workflowforge:plugin/blobs@0.1.0" "[method]writer.append" (func $append (;3;) (type 2)))
    (import "workflowforge:plugin/blobs@0.1.0" "[method]writer.finish" (func $finish (;4;) (type 3)))
    (import "workflowforge:plugin/blobs@0.1.0" "[resource-drop]writer" (func $drop_writer (;5;) (type 4)))
    (import "workflowforge:plugin/blobs@0.1.0" "read" (func $read (;6;) (type 5)))
    (import "workflowforge:plugin/kv@0.1.0" "set" (func $set (;7;) (type 6)))
    (import "workflowforge:plugin/kv@0.1.0" "get" (func $get (;8;) (type 2)))
    (import "workflowforge:plugin/kv@0.1.0" "list" (func $list (;9;) (type 7)))
    (import "workflowforge:plugin/kv@0.1.0" "compare-and-swap" (func $swap (;10;) (type 8)))
    (import "workflowforge:plugin/kv@0.1.0" "delete" (func $delete (;11;) (type 2)))
    (import "workflowforge:plugin/llm@0.1.0" "complete" (func $complete (;12;) (type 1)))
    (import "workflowforge:plugin/secrets@0.1.0" "get" (func $hold (;13;) (type 1)))
    (import "workflowforge:plugin/secrets@0.1.0" "[method]secret.reveal" (func $reveal (;14;) (type 3)))
    (import "workflowforge:plugin/secrets@0.1.0" "[resource-drop]secret" (func $drop_secret (;15;) (type 4)))
    (import "workflowforge:plugin/http@0.1.0" "fetch" (func $fetch (;16;) (type 1)))
    (import "workflowforge:plugin/tools@0.1.0" "list" (func $tools (;17;) (type 4)))
    (import "workflowforge:plugin/tools@0.1.0" "call" (func $call_tool (;18;) (type 1)))
    (import "workflowforge:plugin/human@0.1.0" "ask" (func $ask (;19;) (type 1)))
    (import "workflowforge:plugin/timer@0.1.0" "sleep" (func $sleep (;20;) (type 9)))
    (memory (;0;) 8)
    (global $heap (;0;) (mut i32) i32.const 16384)
    (export "memory" (memory 0))
    (export "cabi_realloc" (func 21))
    (export "workflowforge:plugin/agent@0.1.0#invoke" (func 32))
    (func (;21;) (type 10) (param i32 i32) (param $align i32) (param $len i32) (result i32)
      (local $at i32)
      global.get $heap
      i32.const 15
      i32.add
      i32.const -16
      i32.and
      local.set $at
      local.get $at
      local.get $len
      i32.add
      global.set $heap
      local.get $at
    )
    (func $mark (;22;) (type 3) (param $slot i32) (param $result i32)
      i32.const 4110
      local.get $slot
      i32.const 16
      i32.mul
      i32.add
      local.get $result
      i32.load8_u
      if (result i32) ;; label = @1
        i32.const 48
        local.get $result
        i32.load8_u offset=8
        i32.add
      else
        i32.const 111
      end
      i32.store8
    )
    (func $mark_list (;23;) (type 4) (param $slot i32)
      local.get $slot
      i32.const 1024
      i32.load8_u
      if (result i32) ;; label = @1
        i32.const 1024
      else
        i32.const 1032
        i32.load
      end
      call $mark
    )
    (func $is_ok (;24;) (type 11) (result i32)
      i32.const 1024
      i32.load8_u
      i32.eqz
    )
    (func $write_a_blob (;25;) (type 12)
      (local $writer i32)
      i32.const 48
      i32.const 10
      i32.const 1024
      call $create
      i32.const 1
      i32.const 1024
      call $mark
      call $is_ok
      i32.eqz
      if ;; label = @1
        return
      end
      i32.const 1032
      i32.load
      local.set $writer
      local.get $writer
      i32.const 64
      i32.const 5
      i32.const 1024
      call $append
      i32.const 2
      i32.const 1024
      call $mark
      local.get $writer
      i32.const 1024
      call $finish
      i32.const 3
      i32.const 1024
      call $mark
      call $is_ok
      if ;; label = @1
        i32.const 1032
        i32.load
        i32.const 1036
        i32.load
        i32.const 1040
        i64.load
        i32.const 1048
        i32.load
        i32.const 1052
        i32.load
        i32.const 1056
        i32.load
        i32.const 1060
        i32.load
        i64.const 0
        i32.const 5
        i32.const 1024
        call $read
        i32.const 4
        i32.const 1024
        call $mark
      end
      local.get $writer
      call $drop_writer
    )
    (func $remember (;26;) (type 12)
      i32.const 0
      i32.const 32
      i32.const 3
      i32.const 16
      i32.const 2
      i32.const 0
      i64.const 0
      i32.const 1024
      call $set
      i32.const 5
      i32.const 1024
      call $mark
      i32.const 0
      i32.const 32
      i32.const 3
      i32.const 1024
      call $get
      i32.const 6
      i32.const 1024
      call $mark
      i32.const 0
      i32.const 32
      i32.const 1
      i32.const 10
      i32.const 0
      i32.const 0
      i32.const 0
      i32.const 1024
      call $list
      i32.const 7
      i32.const 1024
      call $mark
      i32.const 0
      i32.const 32
      i32.const 3
      i32.const 0
      i64.const 0
      i32.const 16
      i32.const 2
      i32.const 1024
      call $swap
      i32.const 8
      i32.const 1024
      call $mark
      i32.const 0
      i32.const 32
      i32.const 3
      i32.const 1024
      call $delete
      i32.const 9
      i32.const 1024
      call $mark
    )
    (func $think (;27;) (type 12)
      i32.const 2048
      i32.const 80
      i32.store
      i32.const 2052
      i32.const 4
      i32.store
      i32.const 2056
      i32.const 2176
      i32.store
      i32.const 2060
      i32.const 1
      i32.store
      i32.const 2124
      i32.const 16
      i32.store
      i32.const 2128
      i32.const 2
      i32.store
      i32.const 2176
      i32.const 96
      i32.store
      i32.const 2180
      i32.const 4
      i32.store
      i32.const 2184
      i32.const 2208
      i32.store
      i32.const 2188
      i32.const 1
      i32.store
      i32.const 2216
      i32.const 64
      i32.store
      i32.const 2220
      i32.const 5
      i32.store
      i32.const 2048
      i32.const 1
      i32.const 1024
      call $complete
      i32.const 10
      call $mark_list
    )
    (func $use_a_secret (;28;) (type 12)
      (local $secret i32)
      i32.const 112
      i32.const 5
      i32.const 1024
      call $hold
      i32.const 11
      i32.const 1024
      call $mark
      call $is_ok
      i32.eqz
      if ;; label = @1
        return
      end
      i32.const 1032
      i32.load
      local.set $secret
      local.get $secret
      i32.const 1024
      call $reveal
      i32.const 12
      i32.const 1024
      call $mark
      local.get $secret
      call $drop_secret
    )
    (func $send (;29;) (type 12)
      i32.const 2304
      i32.const 128
      i32.store
      i32.const 2308
      i32.const 3
      i32.store
      i32.const 2312
      i32.const 144
      i32.store
      i32.const 2316
      i32.const 19
      i32.store
      i32.const 2400
      i32.const 16
      i32.store
      i32.const 2404
      i32.const 2
      i32.store
      i32.const 2304
      i32.const 1
      i32.const 1024
      call $fetch
      i32.const 13
      call $mark_list
    )
    (func $use_a_tool (;30;) (type 12)
      i32.const 1024
      call $tools
      i32.const 14
      i32.const 1024
      call $mark
      i32.const 2432
      i32.const 176
      i32.store
      i32.const 2436
      i32.const 13
      i32.store
      i32.const 2440
      i32.const 16
      i32.store
      i32.const 2444
      i32.const 2
      i32.store
      i32.const 2448
      i32.const 16
      i32.store
      i32.const 2452
      i32.const 2
      i32.store
      i32.const 2432
      i32.const 1
      i32.const 1024
      call $call_tool
      i32.const 15
      call $mark_list
    )
    (func $ask_a_person (;31;) (type 12)
      i32.const 2496
      i32.const 192
      i32.store
      i32.const 2500
      i32.const 6
      i32.store
      i32.const 2548
      i32.const 16
      i32.store
      i32.const 2552
      i32.const 2
      i32.store
      i32.const 2496
      i32.const 1
      i32.const 1024
      call $ask
      i32.const 16
      call $mark_list
    )
    (func (;32;) (type 13) (param $call i32) (result i32)
      i32.const 2
      i32.const 64
      i32.const 5
      i32.const 0
      i32.const 0
      call $log
      i32.const 208
      i32.const 8
      i32.const 16
      i32.const 2
      i32.const 1024
      call $emit
      i32.const 0
      i32.const 1024
      call $mark
      call $write_a_blob
      call $remember
      call $think
      call $use_a_secret
      call $send
      call $use_a_tool
      call $ask_a_person
      i64.const 1
      i32.const 1024
      call $sleep
      i32.const 17
      i32.const 1024
      call $mark
      i32.const 1024
      i32.const 0
      i32.store
      i32.const 1032
      i32.const 4096
      i32.store
      i32.const 1036
      i32.const 289
      i32.store
      i32.const 1040
      i32.const 0
      i32.store
      i32.const 1044
      i32.const 0
      i32.store
      i32.const 1048
      i32.const 16
      i32.store
      i32.const 1052
      i32.const 2
      i32.store
      i32.const 1024
    )
    (data (;0;) (i32.const 16) "{}")
    (data (;1;) (i32.const 32) "key")
    (data (;2;) (i32.const 48) "text/plain")
    (data (;3;) (i32.const 64) "hello")
    (data (;4;) (i32.const 80) "mock")
    (data (;5;) (i32.const 96) "user")
    (data (;6;) (i32.const 112) "token")
    (data (;7;) (i32.const 128) "GET")
    (data (;8;) (i32.const 144) "http://127.0.0.1:9/")
    (data (;9;) (i32.const 176) "compat__other")
    (data (;10;) (i32.const 192) "go on?")
    (data (;11;) (i32.const 208) "progress")
    (data (;12;) (i32.const 4096) "{")
    (data (;13;) (i32.const 4097) "\22emit\22:     \22_\22,")
    (data (;14;) (i32.const 4113) "\22create\22:   \22_\22,")
    (data (;15;) (i32.const 4129) "\22append\22:   \22_\22,")
    (data (;16;) (i32.const 4145) "\22finish\22:   \22_\22,")
    (data (;17;) (i32.const 4161) "\22read\22:     \22_\22,")
    (data (;18;) (i32.const 4177) "\22set\22:      \22_\22,")
    (data (;19;) (i32.const 4193) "\22get\22:      \22_\22,")
    (data (;20;) (i32.const 4209) "\22list\22:     \22_\22,")
    (data (;21;) (i32.const 4225) "\22swap\22:     \22_\22,")
    (data (;22;) (i32.const 4241) "\22delete\22:   \22_\22,")
    (data (;23;) (i32.const 4257) "\22complete\22: \22_\22,")
    (data (;24;) (i32.const 4273) "\22hold\22:     \22_\22,")
    (data (;25;) (i32.const 4289) "\22reveal\22:   \22_\22,")
    (data (;26;) (i32.const 4305) "\22fetch\22:    \22_\22,")
    (data (;27;) (i32.const 4321) "\22tools\22:    \22_\22,")
    (data (;28;) (i32.const 4337) "\22call\22:     \22_\22,")
    (data (;29;) (i32.const 4353) "\22ask\22:      \22_\22,")
    (data (;30;) (i32.const 4369) "\22sleep\22:    \22_\22}")
    (@producers
      (processed-by "wit-component" "0.254.2")
    )
  )
  (core module $wit-component-shim-module (;1;)
    (type (;0;) (func (param i32 i32 i32 i32 i32)))
    (type (;1;) (func (param i32 i32 i32 i32 i32)))
    (type (;2;) (func (param i32 i32 i32)))
    (type (;3;) (func (param i32 i32 i32 i32)))
    (type (;4;) (func (param i32 i32)))
    (type (;5;) (func (param i32 i32 i64 i32 i32 i32 i32 i64 i32 i32)))
    (type (;6;) (func (param i32 i32 i32 i32 i32 i32 i64 i32)))
    (type (;7;) (func (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (type (;8;) (func (param i32 i32 i32 i32 i64 i32 i32 i32)))
    (type (;9;) (func (param i32)))
    (type (;10;) (func (param i64 i32)))
    (table (;0;) 19 19 funcref)
    (export "0" (func 0))
    (export "1" (func 1))
    (export "2" (func 2))
    (export "3" (func 3))
    (export "4" (func 4))
    (export "5" (func 5))
    (export "6" (func 6))
    (export "7" (func 7))
    (export "8" (func 8))
    (export "9" (func 9))
    (export "10" (func 10))
    (export "11" (func 11))
    (export "12" (func 12))
    (export "13" (func 13))
    (export "14" (func 14))
    (export "15" (func 15))
    (export "16" (func 16))
    (export "17" (func 17))
    (export "18" (func 18))
    (export "$imports" (table 0))
    (func (;0;) (type 0) (param i32 i32 i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      local.get 3
      local.get 4
      i32.const 0
      call_indirect (type 0)
    )
    (func (;1;) (type 1) (param i32 i32 i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      local.get 3
      local.get 4
      i32.const 1
      call_indirect (type 1)
    )
    (func (;2;) (type 2) (param i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      i32.const 2
      call_indirect (type 2)
    )
    (func (;3;) (type 3) (param i32 i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      local.get 3
      i32.const 3
      call_indirect (type 3)
    )
    (func (;4;) (type 4) (param i32 i32)
      local.get 0
      local.get 1
      i32.const 4
      call_indirect (type 4)
    )
    (func (;5;) (type 5) (param i32 i32 i64 i32 i32 i32 i32 i64 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      local.get 3
      local.get 4
      local.get 5
      local.get 6
      local.get 7
      local.get 8
      local.get 9
      i32.const 5
      call_indirect (type 5)
    )
    (func (;6;) (type 6) (param i32 i32 i32 i32 i32 i32 i64 i32)
      local.get 0
      local.get 1
      local.get 2
      local.get 3
      local.get 4
      local.get 5
      local.get 6
      local.get 7
      i32.const 6
      call_indirect (type 6)
    )
    (func (;7;) (type 3) (param i32 i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      local.get 3
      i32.const 7
      call_indirect (type 3)
    )
    (func (;8;) (type 7) (param i32 i32 i32 i32 i32 i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      local.get 3
      local.get 4
      local.get 5
      local.get 6
      local.get 7
      i32.const 8
      call_indirect (type 7)
    )
    (func (;9;) (type 8) (param i32 i32 i32 i32 i64 i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      local.get 3
      local.get 4
      local.get 5
      local.get 6
      local.get 7
      i32.const 9
      call_indirect (type 8)
    )
    (func (;10;) (type 3) (param i32 i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      local.get 3
      i32.const 10
      call_indirect (type 3)
    )
    (func (;11;) (type 2) (param i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      i32.const 11
      call_indirect (type 2)
    )
    (func (;12;) (type 2) (param i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      i32.const 12
      call_indirect (type 2)
    )
    (func (;13;) (type 4) (param i32 i32)
      local.get 0
      local.get 1
      i32.const 13
      call_indirect (type 4)
    )
    (func (;14;) (type 2) (param i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      i32.const 14
      call_indirect (type 2)
    )
    (func (;15;) (type 9) (param i32)
      local.get 0
      i32.const 15
      call_indirect (type 9)
    )
    (func (;16;) (type 2) (param i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      i32.const 16
      call_indirect (type 2)
    )
    (func (;17;) (type 2) (param i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      i32.const 17
      call_indirect (type 2)
    )
    (func (;18;) (type 10) (param i64 i32)
      local.get 0
      local.get 1
      i32.const 18
      call_indirect (type 10)
    )
    (@producers
      (processed-by "wit-component" "0.254.2")
    )
  )
  (core module $wit-component-fixup (;2;)
    (type (;0;) (func (param i32 i32 i32 i32 i32)))
    (type (;1;) (func (param i32 i32 i32 i32 i32)))
    (type (;2;) (func (param i32 i32 i32)))
    (type (;3;) (func (param i32 i32 i32 i32)))
    (type (;4;) (func (param i32 i32)))
    (type (;5;) (func (param i32 i32 i64 i32 i32 i32 i32 i64 i32 i32)))
    (type (;6;) (func (param i32 i32 i32 i32 i32 i32 i64 i32)))
    (type (;7;) (func (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (type (;8;) (func (param i32 i32 i32 i32 i64 i32 i32 i32)))
    (type (;9;) (func (param i32)))
    (type (;10;) (func (param i64 i32)))
    (import "" "0" (func (;0;) (type 0)))
    (import "" "1" (func (;1;) (type 1)))
    (import "" "2" (func (;2;) (type 2)))
    (import "" "3" (func (;3;) (type 3)))
    (import "" "4" (func (;4;) (type 4)))
    (import "" "5" (func (;5;) (type 5)))
    (import "" "6" (func (;6;) (type 6)))
    (import "" "7" (func (;7;) (type 3)))
    (import "" "8" (func (;8;) (type 7)))
    (import "" "9" (func (;9;) (type 8)))
    (import "" "10" (func (;10;) (type 3)))
    (import "" "11" (func (;11;) (type 2)))
    (import "" "12" (func (;12;) (type 2)))
    (import "" "13" (func (;13;) (type 4)))
    (import "" "14" (func (;14;) (type 2)))
    (import "" "15" (func (;15;) (type 9)))
    (import "" "16" (func (;16;) (type 2)))
    (import "" "17" (func (;17;) (type 2)))
    (import "" "18" (func (;18;) (type 10)))
    (import "" "$imports" (table (;0;) 19 19 funcref))
    (elem (;0;) (i32.const 0) func 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18)
    (@producers
      (processed-by "wit-component" "0.254.2")
    )
  )
  (core instance $wit-component-shim-instance (;0;) (instantiate $wit-component-shim-module))
  (alias export $workflowforge:plugin/types@0.1.0 "json" (type $"#type30 json" (@name "json") (;30;)))
  (alias export $workflowforge:plugin/types@0.1.0 "failure" (type $"#type31 failure" (@name "failure") (;31;)))
  (type (;32;) (option string))
  (type (;33;) (record (field "agent" string) (field "task" string) (field "run" string) (field "thread" 32) (field "workflow" string) (field "node" string) (field "step" u32) (field "attempt" u32) (field "timeout-ms" u64) (field "input" $"#type30 json") (field "config" $"#type30 json") (field "context" $"#type30 json") (field "extra" $"#type30 json")))
  (type (;34;) (record (field "name" string) (field "input" $"#type30 json")))
  (type (;35;) (variant (case "name" string) (case "send" 34)))
  (type (;36;) (list 35))
  (type (;37;) (record (field "output" $"#type30 json") (field "goto" 36) (field "extra" $"#type30 json")))
  (alias core export $wit-component-shim-instance "0" (core func $indirect-workflowforge:plugin/log@0.1.0-write (;0;)))
  (core instance $workflowforge:plugin/log@0.1.0 (;1;)
    (export "write" (func $indirect-workflowforge:plugin/log@0.1.0-write))
  )
  (alias core export $wit-component-shim-instance "1" (core func $indirect-workflowforge:plugin/events@0.1.0-emit (;1;)))
  (core instance $workflowforge:plugin/events@0.1.0 (;2;)
    (export "emit" (func $indirect-workflowforge:plugin/events@0.1.0-emit))
  )
  (alias core export $wit-component-shim-instance "2" (core func $indirect-workflowforge:plugin/blobs@0.1.0-create (;2;)))
  (alias core export $wit-component-shim-instance "3" (core func $"indirect-workflowforge:plugin/blobs@0.1.0-[method]writer.append" (;3;)))
  (alias core export $wit-component-shim-instance "4" (core func $"indirect-workflowforge:plugin/blobs@0.1.0-[method]writer.finish" (;4;)))
  (alias export $workflowforge:plugin/blobs@0.1.0 "writer" (type $writer (;38;)))
  (core func $resource.drop (;5;) (canon resource.drop $writer))
  (alias core export $wit-component-shim-instance "5" (core func $indirect-workflowforge:plugin/blobs@0.1.0-read (;6;)))
  (core instance $workflowforge:plugin/blobs@0.1.0 (;3;)
    (export "create" (func $indirect-workflowforge:plugin/blobs@0.1.0-create))
    (export "[method]writer.append" (func $"indirect-workflowforge:plugin/blobs@0.1.0-[method]writer.append"))
    (export "[method]writer.finish" (func $"indirect-workflowforge:plugin/blobs@0.1.0-[method]writer.finish"))
    (export "[resource-drop]writer" (func $resource.drop))
    (export "read" (func $indirect-workflowforge:plugin/blobs@0.1.0-read))
  )
  (alias core export $wit-component-shim-instance "6" (core func $indirect-workflowforge:plugin/kv@0.1.0-set (;7;)))
  (alias core export $wit-component-shim-instance "7" (core func $indirect-workflowforge:plugin/kv@0.1.0-get (;8;)))
  (alias core export $wit-component-shim-instance "8" (core func $indirect-workflowforge:plugin/kv@0.1.0-list (;9;)))
  (alias core export $wit-component-shim-instance "9" (core func $indirect-workflowforge:plugin/kv@0.1.0-compare-and-swap (;10;)))
  (alias core export $wit-component-shim-instance "10" (core func $indirect-workflowforge:plugin/kv@0.1.0-delete (;11;)))
  (core instance $workflowforge:plugin/kv@0.1.0 (;4;)
    (export "set" (func $indirect-workflowforge:plugin/kv@0.1.0-set))
    (export "get" (func $indirect-workflowforge:plugin/kv@0.1.0-get))
    (export "list" (func $indirect-workflowforge:plugin/kv@0.1.0-list))
    (export "compare-and-swap" (func $indirect-workflowforge:plugin/kv@0.1.0-compare-and-swap))
    (export "delete" (func $indirect-workflowforge:plugin/kv@0.1.0-delete))
  )
  (alias core export $wit-component-shim-instance "11" (core func $indirect-workflowforge:plugin/llm@0.1.0-complete (;12;)))
  (core instance $workflowforge:plugin/llm@0.1.0 (;5;)
    (export "complete" (func $indirect-workflowforge:plugin/llm@0.1.0-complete))
  )
  (alias core export $wit-component-shim-instance "12" (core func $indirect-workflowforge:plugin/secrets@0.1.0-get (;13;)))
  (alias core export $wit-component-shim-instance "13" (core func $"indirect-workflowforge:plugin/secrets@0.1.0-[method]secret.reveal" (;14;)))
  (alias export $workflowforge:plugin/secrets@0.1.0 "secret" (type $"#type39 secret" (@name "secret") (;39;)))
  (core func $"#core-func15 resource.drop" (@name "resource.drop") (;15;) (canon resource.drop $"#type39 secret"))
  (core instance $workflowforge:plugin/secrets@0.1.0 (;6;)
    (export "get" (func $indirect-workflowforge:plugin/secrets@0.1.0-get))
    (export "[method]secret.reveal" (func $"indirect-workflowforge:plugin/secrets@0.1.0-[method]secret.reveal"))
    (export "[resource-drop]secret" (func $"#core-func15 resource.drop"))
  )
  (alias core export $wit-component-shim-instance "14" (core func $indirect-workflowforge:plugin/http@0.1.0-fetch (;16;)))
  (core instance $workflowforge:plugin/http@0.1.0 (;7;)
    (export "fetch" (func $indirect-workflowforge:plugin/http@0.1.0-fetch))
  )
  (alias core export $wit-component-shim-instance "15" (core func $indirect-workflowforge:plugin/tools@0.1.0-list (;17;)))
  (alias core export $wit-component-shim-instance "16" (core func $indirect-workflowforge:plugin/tools@0.1.0-call (;18;)))
  (core instance $workflowforge:plugin/tools@0.1.0 (;8;)
    (export "list" (func $indirect-workflowforge:plugin/tools@0.1.0-list))
    (export "call" (func $indirect-workflowforge:plugin/tools@0.1.0-call))
  )
  (alias core export $wit-component-shim-instance "17" (core func $indirect-workflowforge:plugin/human@0.1.0-ask (;19;)))
  (core instance $workflowforge:plugin/human@0.1.0 (;9;)
    (export "ask" (func $indirect-workflowforge:plugin/human@0.1.0-ask))
  )
  (alias core export $wit-component-shim-instance "18" (core func $indirect-workflowforge:plugin/timer@0.1.0-sleep (;20;)))
  (core instance $workflowforge:plugin/timer@0.1.0 (;10;)
    (export "sleep" (func $indirect-workflowforge:plugin/timer@0.1.0-sleep))
  )
  (core instance $main (;11;) (instantiate $main
      (with "workflowforge:plugin/log@0.1.0" (instance $workflowforge:plugin/log@0.1.0))
      (with "workflowforge:plugin/events@0.1.0" (instance $workflowforge:plugin/events@0.1.0))
      (with "workflowforge:plugin/blobs@0.1.0" (instance $workflowforge:plugin/blobs@0.1.0))
      (with "workflowforge:plugin/kv@0.1.0" (instance $workflowforge:plugin/kv@0.1.0))
      (with "workflowforge:plugin/llm@0.1.0" (instance $workflowforge:plugin/llm@0.1.0))
      (with "workflowforge:plugin/secrets@0.1.0" (instance $workflowforge:plugin/secrets@0.1.0))
      (with "workflowforge:plugin/http@0.1.0" (instance $workflowforge:plugin/http@0.1.0))
      (with "workflowforge:plugin/tools@0.1.0" (instance $workflowforge:plugin/tools@0.1.0))
      (with "workflowforge:plugin/human@0.1.0" (instance $workflowforge:plugin/human@0.1.0))
      (with "workflowforge:plugin/timer@0.1.0" (instance $workflowforge:plugin/timer@0.1.0))
    )
  )
  (alias core export $main "memory" (core memory $memory (;0;)))
  (alias core export $wit-component-shim-instance "$imports" (core table $"shim table" (;0;)))
  (alias export $workflowforge:plugin/log@0.1.0 "write" (func $write (;0;)))
  (alias core export $main "cabi_realloc" (core func $realloc (;21;)))
  (core func $"#core-func22 indirect-workflowforge:plugin/log@0.1.0-write" (@name "indirect-workflowforge:plugin/log@0.1.0-write") (;22;) (canon lower (func $write) (memory $memory) string-encoding=utf8))
  (alias export $workflowforge:plugin/events@0.1.0 "emit" (func $emit (;1;)))
  (core func $"#core-func23 indirect-workflowforge:plugin/events@0.1.0-emit" (@name "indirect-workflowforge:plugin/events@0.1.0-emit") (;23;) (canon lower (func $emit) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/blobs@0.1.0 "create" (func $create (;2;)))
  (core func $"#core-func24 indirect-workflowforge:plugin/blobs@0.1.0-create" (@name "indirect-workflowforge:plugin/blobs@0.1.0-create") (;24;) (canon lower (func $create) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/blobs@0.1.0 "[method]writer.append" (func $"[method]writer.append" (;3;)))
  (core func $"#core-func25 indirect-workflowforge:plugin/blobs@0.1.0-[method]writer.append" (@name "indirect-workflowforge:plugin/blobs@0.1.0-[method]writer.append") (;25;) (canon lower (func $"[method]writer.append") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/blobs@0.1.0 "[method]writer.finish" (func $"[method]writer.finish" (;4;)))
  (core func $"#core-func26 indirect-workflowforge:plugin/blobs@0.1.0-[method]writer.finish" (@name "indirect-workflowforge:plugin/blobs@0.1.0-[method]writer.finish") (;26;) (canon lower (func $"[method]writer.finish") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/blobs@0.1.0 "read" (func $read (;5;)))
  (core func $"#core-func27 indirect-workflowforge:plugin/blobs@0.1.0-read" (@name "indirect-workflowforge:plugin/blobs@0.1.0-read") (;27;) (canon lower (func $read) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/kv@0.1.0 "set" (func $set (;6;)))
  (core func $"#core-func28 indirect-workflowforge:plugin/kv@0.1.0-set" (@name "indirect-workflowforge:plugin/kv@0.1.0-set") (;28;) (canon lower (func $set) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/kv@0.1.0 "get" (func $get (;7;)))
  (core func $"#core-func29 indirect-workflowforge:plugin/kv@0.1.0-get" (@name "indirect-workflowforge:plugin/kv@0.1.0-get") (;29;) (canon lower (func $get) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/kv@0.1.0 "list" (func $list (;8;)))
  (core func $"#core-func30 indirect-workflowforge:plugin/kv@0.1.0-list" (@name "indirect-workflowforge:plugin/kv@0.1.0-list") (;30;) (canon lower (func $list) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/kv@0.1.0 "compare-and-swap" (func $compare-and-swap (;9;)))
  (core func $"#core-func31 indirect-workflowforge:plugin/kv@0.1.0-compare-and-swap" (@name "indirect-workflowforge:plugin/kv@0.1.0-compare-and-swap") (;31;) (canon lower (func $compare-and-swap) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/kv@0.1.0 "delete" (func $delete (;10;)))
  (core func $"#core-func32 indirect-workflowforge:plugin/kv@0.1.0-delete" (@name "indirect-workflowforge:plugin/kv@0.1.0-delete") (;32;) (canon lower (func $delete) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/llm@0.1.0 "complete" (func $complete (;11;)))
  (core func $"#core-func33 indirect-workflowforge:plugin/llm@0.1.0-complete" (@name "indirect-workflowforge:plugin/llm@0.1.0-complete") (;33;) (canon lower (func $complete) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/secrets@0.1.0 "get" (func $"#func12 get" (@name "get") (;12;)))
  (core func $"#core-func34 indirect-workflowforge:plugin/secrets@0.1.0-get" (@name "indirect-workflowforge:plugin/secrets@0.1.0-get") (;34;) (canon lower (func $"#func12 get") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/secrets@0.1.0 "[method]secret.reveal" (func $"[method]secret.reveal" (;13;)))
  (core func $"#core-func35 indirect-workflowforge:plugin/secrets@0.1.0-[method]secret.reveal" (@name "indirect-workflowforge:plugin/secrets@0.1.0-[method]secret.reveal") (;35;) (canon lower (func $"[method]secret.reveal") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/http@0.1.0 "fetch" (func $fetch (;14;)))
  (core func $"#core-func36 indirect-workflowforge:plugin/http@0.1.0-fetch" (@name "indirect-workflowforge:plugin/http@0.1.0-fetch") (;36;) (canon lower (func $fetch) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/tools@0.1.0 "list" (func $"#func15 list" (@name "list") (;15;)))
  (core func $"#core-func37 indirect-workflowforge:plugin/tools@0.1.0-list" (@name "indirect-workflowforge:plugin/tools@0.1.0-list") (;37;) (canon lower (func $"#func15 list") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/tools@0.1.0 "call" (func $call (;16;)))
  (core func $"#core-func38 indirect-workflowforge:plugin/tools@0.1.0-call" (@name "indirect-workflowforge:plugin/tools@0.1.0-call") (;38;) (canon lower (func $call) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/human@0.1.0 "ask" (func $ask (;17;)))
  (core func $"#core-func39 indirect-workflowforge:plugin/human@0.1.0-ask" (@name "indirect-workflowforge:plugin/human@0.1.0-ask") (;39;) (canon lower (func $ask) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/timer@0.1.0 "sleep" (func $sleep (;18;)))
  (core func $"#core-func40 indirect-workflowforge:plugin/timer@0.1.0-sleep" (@name "indirect-workflowforge:plugin/timer@0.1.0-sleep") (;40;) (canon lower (func $sleep) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (core instance $fixup-args (;12;)
    (export "$imports" (table $"shim table"))
    (export "0" (func $"#core-func22 indirect-workflowforge:plugin/log@0.1.0-write"))
    (export "1" (func $"#core-func23 indirect-workflowforge:plugin/events@0.1.0-emit"))
    (export "2" (func $"#core-func24 indirect-workflowforge:plugin/blobs@0.1.0-create"))
    (export "3" (func $"#core-func25 indirect-workflowforge:plugin/blobs@0.1.0-[method]writer.append"))
    (export "4" (func $"#core-func26 indirect-workflowforge:plugin/blobs@0.1.0-[method]writer.finish"))
    (export "5" (func $"#core-func27 indirect-workflowforge:plugin/blobs@0.1.0-read"))
    (export "6" (func $"#core-func28 indirect-workflowforge:plugin/kv@0.1.0-set"))
    (export "7" (func $"#core-func29 indirect-workflowforge:plugin/kv@0.1.0-get"))
    (export "8" (func $"#core-func30 indirect-workflowforge:plugin/kv@0.1.0-list"))
    (export "9" (func $"#core-func31 indirect-workflowforge:plugin/kv@0.1.0-compare-and-swap"))
    (export "10" (func $"#core-func32 indirect-workflowforge:plugin/kv@0.1.0-delete"))
    (export "11" (func $"#core-func33 indirect-workflowforge:plugin/llm@0.1.0-complete"))
    (export "12" (func $"#core-func34 indirect-workflowforge:plugin/secrets@0.1.0-get"))
    (export "13" (func $"#core-func35 indirect-workflowforge:plugin/secrets@0.1.0-[method]secret.reveal"))
    (export "14" (func $"#core-func36 indirect-workflowforge:plugin/http@0.1.0-fetch"))
    (export "15" (func $"#core-func37 indirect-workflowforge:plugin/tools@0.1.0-list"))
    (export "16" (func $"#core-func38 indirect-workflowforge:plugin/tools@0.1.0-call"))
    (export "17" (func $"#core-func39 indirect-workflowforge:plugin/human@0.1.0-ask"))
    (export "18" (func $"#core-func40 indirect-workflowforge:plugin/timer@0.1.0-sleep"))
  )
  (core instance $fixup (;13;) (instantiate $wit-component-fixup
      (with "" (instance $fixup-args))
    )
  )
  (type (;40;) (result 37 (error $"#type31 failure")))
  (type (;41;) (func (param "call" 33) (result 40)))
  (alias core export $main "workflowforge:plugin/agent@0.1.0#invoke" (core func $workflowforge:plugin/agent@0.1.0#invoke (;41;)))
  (func $invoke (;19;) (type 41) (canon lift (core func $workflowforge:plugin/agent@0.1.0#invoke) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (alias export $workflowforge:plugin/types@0.1.0 "problem" (type $problem (;42;)))
  (alias export $workflowforge:plugin/types@0.1.0 "denial" (type $denial (;43;)))
  (component $workflowforge:plugin/agent@0.1.0-shim-component (;0;)
    (type (;0;) string)
    (import "import-type-json" (type (;1;) (eq 0)))
    (type (;2;) (option u64))
    (type (;3;) (record (field "code" string) (field "message" string) (field "retryable" bool) (field "retry-after-ms" 2) (field "details" 1)))
    (import "import-type-problem" (type (;4;) (eq 3)))
    (type (;5;) (record (field "capability" string) (field "resource" string) (field "hint" string)))
    (import "import-type-denial" (type (;6;) (eq 5)))
    (type (;7;) (variant (case "invalid-input" 4) (case "denied" 6) (case "limit" 4) (case "upstream" 4) (case "cancelled" 4) (case "failed" 4)))
    (import "import-type-failure" (type (;8;) (eq 7)))
    (type (;9;) (option string))
    (import "import-type-json0" (type (;10;) (eq 1)))
    (type (;11;) (record (field "agent" string) (field "task" string) (field "run" string) (field "thread" 9) (field "workflow" string) (field "node" string) (field "step" u32) (field "attempt" u32) (field "timeout-ms" u64) (field "input" 10) (field "config" 10) (field "context" 10) (field "extra" 10)))
    (import "import-type-call" (type (;12;) (eq 11)))
    (type (;13;) (record (field "name" string) (field "input" 10)))
    (import "import-type-sent-exit" (type (;14;) (eq 13)))
    (type (;15;) (variant (case "name" string) (case "send" 14)))
    (import "import-type-exit" (type (;16;) (eq 15)))
    (type (;17;) (list 16))
    (type (;18;) (record (field "output" 10) (field "goto" 17) (field "extra" 10)))
    (import "import-type-reply" (type (;19;) (eq 18)))
    (import "import-type-failure0" (type (;20;) (eq 8)))
    (type (;21;) (result 19 (error 20)))
    (type (;22;) (func (param "call" 12) (result 21)))
    (import "import-func-invoke" (func (;0;) (type 22)))
    (export (;23;) "json" (type 1))
    (export (;24;) "failure" (type 8))
    (type (;25;) (option string))
    (type (;26;) (record (field "agent" string) (field "task" string) (field "run" string) (field "thread" 25) (field "workflow" string) (field "node" string) (field "step" u32) (field "attempt" u32) (field "timeout-ms" u64) (field "input" 23) (field "config" 23) (field "context" 23) (field "extra" 23)))
    (export (;27;) "call" (type 26))
    (type (;28;) (record (field "name" string) (field "input" 23)))
    (export (;29;) "sent-exit" (type 28))
    (type (;30;) (variant (case "name" string) (case "send" 29)))
    (export (;31;) "exit" (type 30))
    (type (;32;) (list 31))
    (type (;33;) (record (field "output" 23) (field "goto" 32) (field "extra" 23)))
    (export (;34;) "reply" (type 33))
    (type (;35;) (result 34 (error 24)))
    (type (;36;) (func (param "call" 27) (result 35)))
    (export (;1;) "invoke" (func 0) (func (type 36)))
  )
  (instance $workflowforge:plugin/agent@0.1.0-shim-instance (;11;) (instantiate $workflowforge:plugin/agent@0.1.0-shim-component
      (with "import-func-invoke" (func $invoke))
      (with "import-type-json" (type $"#type30 json"))
      (with "import-type-problem" (type $problem))
      (with "import-type-denial" (type $denial))
      (with "import-type-failure" (type $"#type31 failure"))
      (with "import-type-json0" (type $"#type30 json"))
      (with "import-type-call" (type 33))
      (with "import-type-sent-exit" (type 34))
      (with "import-type-exit" (type 35))
      (with "import-type-reply" (type 37))
      (with "import-type-failure0" (type $"#type31 failure"))
    )
  )
  (export $workflowforge:plugin/agent@0.1.0 (;12;) "workflowforge:plugin/agent@0.1.0" (instance $workflowforge:plugin/agent@0.1.0-shim-instance))
  (@producers
    (processed-by "wit-component" "0.254.2")
  )
  (@custom "workflowforge:manifest" "{\22agents\22:[{\22name\22:\22main\22}],\22name\22:\22compat/agent\22,\22needs\22:[{\22capability\22:\22ask\22,\22reason\22:\22a test\22},{\22capability\22:\22kv:run\22,\22reason\22:\22a test\22},{\22capability\22:\22llm:mock\22,\22reason\22:\22a test\22},{\22capability\22:\22http:http://127.0.0.1:9\22,\22reason\22:\22a test\22},{\22capability\22:\22tool:compat__other\22,\22reason\22:\22a test\22},{\22capability\22:\22secret:token:hold\22,\22reason\22:\22a test\22},{\22capability\22:\22secret:token:reveal\22,\22reason\22:\22a test\22}],\22version\22:\221.0.0\22}")
  (@custom "workflowforge:api" "0.1.0")
)
