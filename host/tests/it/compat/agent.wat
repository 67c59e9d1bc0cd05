;; The core of a plugin that calls every function of the contract. Its output says of each call
;; "o" where it was answered, else the number of the failure's case (1 is denied), and "_" where it
;; was not made. VERSION stands for the version of the contract.
(module
  (import "workflowforge:plugin/log@VERSION" "write" (func $log (param i32 i32 i32 i32 i32)))
  (import "workflowforge:plugin/events@VERSION" "emit" (func $emit (param i32 i32 i32 i32 i32)))
  (import "workflowforge:plugin/blobs@VERSION" "create" (func $create (param i32 i32 i32)))
  (import "workflowforge:plugin/blobs@VERSION" "[method]writer.append"
    (func $append (param i32 i32 i32 i32)))
  (import "workflowforge:plugin/blobs@VERSION" "[method]writer.finish"
    (func $finish (param i32 i32)))
  (import "workflowforge:plugin/blobs@VERSION" "[resource-drop]writer"
    (func $drop_writer (param i32)))
  (import "workflowforge:plugin/blobs@VERSION" "read"
    (func $read (param i32 i32 i64 i32 i32 i32 i32 i64 i32 i32)))
  (import "workflowforge:plugin/kv@VERSION" "set"
    (func $set (param i32 i32 i32 i32 i32 i32 i64 i32)))
  (import "workflowforge:plugin/kv@VERSION" "get" (func $get (param i32 i32 i32 i32)))
  (import "workflowforge:plugin/kv@VERSION" "list"
    (func $list (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "workflowforge:plugin/kv@VERSION" "compare-and-swap"
    (func $swap (param i32 i32 i32 i32 i64 i32 i32 i32)))
  (import "workflowforge:plugin/kv@VERSION" "delete" (func $delete (param i32 i32 i32 i32)))
  (import "workflowforge:plugin/llm@VERSION" "complete" (func $complete (param i32 i32 i32)))
  (import "workflowforge:plugin/secrets@VERSION" "get" (func $hold (param i32 i32 i32)))
  (import "workflowforge:plugin/secrets@VERSION" "[method]secret.reveal"
    (func $reveal (param i32 i32)))
  (import "workflowforge:plugin/secrets@VERSION" "[resource-drop]secret"
    (func $drop_secret (param i32)))
  (import "workflowforge:plugin/http@VERSION" "fetch" (func $fetch (param i32 i32 i32)))
  (import "workflowforge:plugin/tools@VERSION" "list" (func $tools (param i32)))
  (import "workflowforge:plugin/tools@VERSION" "call" (func $call_tool (param i32 i32 i32)))
  (import "workflowforge:plugin/human@VERSION" "ask" (func $ask (param i32 i32 i32)))
  (import "workflowforge:plugin/timer@VERSION" "sleep" (func $sleep (param i64 i32)))

  (memory (export "memory") 8)
  (global $heap (mut i32) (i32.const 16384))
  (data (i32.const 16) "{}")
  (data (i32.const 32) "key")
  (data (i32.const 48) "text/plain")
  (data (i32.const 64) "hello")
  (data (i32.const 80) "mock")
  (data (i32.const 96) "user")
  (data (i32.const 112) "token")
  (data (i32.const 128) "GET")
  (data (i32.const 144) "http://127.0.0.1:9/")
  (data (i32.const 176) "compat__other")
  (data (i32.const 192) "go on?")
  (data (i32.const 208) "progress")

  ;; The output: 16 bytes a call, of which the 14th says what came of it.
  (data (i32.const 4096) "{")
  (data (i32.const 4097) "\"emit\":     \"_\",")
  (data (i32.const 4113) "\"create\":   \"_\",")
  (data (i32.const 4129) "\"append\":   \"_\",")
  (data (i32.const 4145) "\"finish\":   \"_\",")
  (data (i32.const 4161) "\"read\":     \"_\",")
  (data (i32.const 4177) "\"set\":      \"_\",")
  (data (i32.const 4193) "\"get\":      \"_\",")
  (data (i32.const 4209) "\"list\":     \"_\",")
  (data (i32.const 4225) "\"swap\":     \"_\",")
  (data (i32.const 4241) "\"delete\":   \"_\",")
  (data (i32.const 4257) "\"complete\": \"_\",")
  (data (i32.const 4273) "\"hold\":     \"_\",")
  (data (i32.const 4289) "\"reveal\":   \"_\",")
  (data (i32.const 4305) "\"fetch\":    \"_\",")
  (data (i32.const 4321) "\"tools\":    \"_\",")
  (data (i32.const 4337) "\"call\":     \"_\",")
  (data (i32.const 4353) "\"ask\":      \"_\",")
  (data (i32.const 4369) "\"sleep\":    \"_\"}")

  (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (global.set $heap (i32.add (local.get $at) (local.get $len)))
    (local.get $at))

  ;; Writes down what came of a call whose result is at 1024.
  (func $mark (param $slot i32) (param $result i32)
    (i32.store8
      (i32.add (i32.const 4110) (i32.mul (local.get $slot) (i32.const 16)))
      (if (result i32) (i32.load8_u (local.get $result))
        (then (i32.add (i32.const 48) (i32.load8_u offset=8 (local.get $result))))
        (else (i32.const 111)))))

  ;; The same for a list of one: of the list, or of its element.
  (func $mark_list (param $slot i32)
    (call $mark (local.get $slot)
      (if (result i32) (i32.load8_u (i32.const 1024))
        (then (i32.const 1024))
        (else (i32.load (i32.const 1032))))))

  (func $is_ok (result i32) (i32.eqz (i32.load8_u (i32.const 1024))))

  (func $write_a_blob (local $writer i32)
    (call $create (i32.const 48) (i32.const 10) (i32.const 1024))
    (call $mark (i32.const 1) (i32.const 1024))
    (if (i32.eqz (call $is_ok)) (then (return)))
    (local.set $writer (i32.load (i32.const 1032)))
    (call $append (local.get $writer) (i32.const 64) (i32.const 5) (i32.const 1024))
    (call $mark (i32.const 2) (i32.const 1024))
    (call $finish (local.get $writer) (i32.const 1024))
    (call $mark (i32.const 3) (i32.const 1024))
    (if (call $is_ok) (then
      (call $read
        (i32.load (i32.const 1032)) (i32.load (i32.const 1036)) (i64.load (i32.const 1040))
        (i32.load (i32.const 1048)) (i32.load (i32.const 1052))
        (i32.load (i32.const 1056)) (i32.load (i32.const 1060))
        (i64.const 0) (i32.const 5) (i32.const 1024))
      (call $mark (i32.const 4) (i32.const 1024))))
    (call $drop_writer (local.get $writer)))

  (func $remember
    (call $set (i32.const 0) (i32.const 32) (i32.const 3) (i32.const 16) (i32.const 2)
      (i32.const 0) (i64.const 0) (i32.const 1024))
    (call $mark (i32.const 5) (i32.const 1024))
    (call $get (i32.const 0) (i32.const 32) (i32.const 3) (i32.const 1024))
    (call $mark (i32.const 6) (i32.const 1024))
    (call $list (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 10)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1024))
    (call $mark (i32.const 7) (i32.const 1024))
    (call $swap (i32.const 0) (i32.const 32) (i32.const 3) (i32.const 0) (i64.const 0)
      (i32.const 16) (i32.const 2) (i32.const 1024))
    (call $mark (i32.const 8) (i32.const 1024))
    (call $delete (i32.const 0) (i32.const 32) (i32.const 3) (i32.const 1024))
    (call $mark (i32.const 9) (i32.const 1024)))

  ;; { model: "mock", messages: [{ role: "user", parts: [text("hello")] }] }
  (func $think
    (i32.store (i32.const 2048) (i32.const 80))
    (i32.store (i32.const 2052) (i32.const 4))
    (i32.store (i32.const 2056) (i32.const 2176))
    (i32.store (i32.const 2060) (i32.const 1))
    (i32.store (i32.const 2124) (i32.const 16))     ;; options
    (i32.store (i32.const 2128) (i32.const 2))
    (i32.store (i32.const 2176) (i32.const 96))     ;; the message
    (i32.store (i32.const 2180) (i32.const 4))
    (i32.store (i32.const 2184) (i32.const 2208))
    (i32.store (i32.const 2188) (i32.const 1))
    (i32.store (i32.const 2216) (i32.const 64))     ;; its part
    (i32.store (i32.const 2220) (i32.const 5))
    (call $complete (i32.const 2048) (i32.const 1) (i32.const 1024))
    (call $mark_list (i32.const 10)))

  (func $use_a_secret (local $secret i32)
    (call $hold (i32.const 112) (i32.const 5) (i32.const 1024))
    (call $mark (i32.const 11) (i32.const 1024))
    (if (i32.eqz (call $is_ok)) (then (return)))
    (local.set $secret (i32.load (i32.const 1032)))
    (call $reveal (local.get $secret) (i32.const 1024))
    (call $mark (i32.const 12) (i32.const 1024))
    (call $drop_secret (local.get $secret)))

  ;; { method: "GET", url: "http://127.0.0.1:9/" }
  (func $send
    (i32.store (i32.const 2304) (i32.const 128))
    (i32.store (i32.const 2308) (i32.const 3))
    (i32.store (i32.const 2312) (i32.const 144))
    (i32.store (i32.const 2316) (i32.const 19))
    (i32.store (i32.const 2400) (i32.const 16))     ;; options
    (i32.store (i32.const 2404) (i32.const 2))
    (call $fetch (i32.const 2304) (i32.const 1) (i32.const 1024))
    (call $mark_list (i32.const 13)))

  ;; { name: "compat__other", input: {} }
  (func $use_a_tool
    (call $tools (i32.const 1024))
    (call $mark (i32.const 14) (i32.const 1024))
    (i32.store (i32.const 2432) (i32.const 176))
    (i32.store (i32.const 2436) (i32.const 13))
    (i32.store (i32.const 2440) (i32.const 16))
    (i32.store (i32.const 2444) (i32.const 2))
    (i32.store (i32.const 2448) (i32.const 16))
    (i32.store (i32.const 2452) (i32.const 2))
    (call $call_tool (i32.const 2432) (i32.const 1) (i32.const 1024))
    (call $mark_list (i32.const 15)))

  ;; { prompt: "go on?" }
  (func $ask_a_person
    (i32.store (i32.const 2496) (i32.const 192))
    (i32.store (i32.const 2500) (i32.const 6))
    (i32.store (i32.const 2548) (i32.const 16))     ;; options
    (i32.store (i32.const 2552) (i32.const 2))
    (call $ask (i32.const 2496) (i32.const 1) (i32.const 1024))
    (call $mark_list (i32.const 16)))

  (func (export "workflowforge:plugin/agent@VERSION#invoke") (param $call i32) (result i32)
    (call $log (i32.const 2) (i32.const 64) (i32.const 5) (i32.const 0) (i32.const 0))
    (call $emit
      (i32.const 208) (i32.const 8) (i32.const 16) (i32.const 2) (i32.const 1024))
    (call $mark (i32.const 0) (i32.const 1024))
    (call $write_a_blob)
    (call $remember)
    (call $think)
    (call $use_a_secret)
    (call $send)
    (call $use_a_tool)
    (call $ask_a_person)
    (call $sleep (i64.const 1) (i32.const 1024))
    (call $mark (i32.const 17) (i32.const 1024))
    ;; ok({ output, goto: [], extra: "{}" })
    (i32.store (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1032) (i32.const 4096))
    (i32.store (i32.const 1036) (i32.const 289))
    (i32.store (i32.const 1040) (i32.const 0))
    (i32.store (i32.const 1044) (i32.const 0))
    (i32.store (i32.const 1048) (i32.const 16))
    (i32.store (i32.const 1052) (i32.const 2))
    (i32.const 1024)))
