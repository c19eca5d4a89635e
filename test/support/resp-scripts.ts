/**
 * Command scripts, one per family, with all the mistakes that Redis has words for. Run against Redis itself where one is
 * installed, and everywhere against replies recorded when the two agreed.
 */
const big = '9223372036854775807';

/** One script per proposition; words separated by spaces, `""` is the empty string, `|` ends a command. */
export const scripts: Readonly<Record<string, string>> = {
  'SET and its options': `SET k v | SET k v EX 0 | SET k v EX -1 | SET k v PX 0 | SET k v EX abc | SET k v EX | SET k v NX XX
    | SET k v XX NX | SET k v EX 10 PX 10 | SET k v KEEPTTL EX 10 | SET k v EX 10 KEEPTTL | SET k v NX | SET k v XX
    | SET k v GET | SET k w GET NX | SET n w GET NX | SET m w XX | SET m w XX GET | GET m | SET k v BOGUS | SET k v PERSIST
    | SET k v EX ${big} | SET k v PX ${big} | SET k v EXAT 0 | SET k v EXAT -5 | SET k v PXAT abc | GET k | SET k | SET
    | SET k v EX 10000000000000000 | SET k v nx get | SET k v EX 5 EX 200 | TTL k | SET k v EX 5 PX 5 | SET k v NX NX | SET k v XX XX GET | SET k v KEEPTTL KEEPTTL | SET k v EX 5 EX | SET k v EX 0 EX 5
    | SET k v EX 5 EX 0 | SET k v EX 1.5 | SET k v EX "" | SET k v ex 100 | TTL k | SET k v keepttl | TTL k | SET k v | TTL k`,
  'GETEX, GETDEL, GETSET, SETNX, SETEX': `SET k v EX 100 | GETEX k PERSIST | TTL k | GETEX k EX 100 | TTL k | GETEX k EX 0
    | GETEX k BOGUS | GETEX k EX | GETEX k EX 1 PX 1 | GETEX k PERSIST EX 1 | GETEX k EX 1 PERSIST | GETEX | GETEX none EX 10
    | GETEX k PXAT ${big} | GETEX k EX ${big} | GETEX k KEEPTTL | GETEX k NX | GETDEL k | GETDEL k | GETDEL | GETSET k a | GETSET k b
    | SETNX k c | SETNX k2 c | SETEX k 0 v | SETEX k -10 v | SETEX k abc v | SETEX k 100 v | TTL k | PSETEX k 0 v
    | PSETEX k ${big} v | SETEX k ${big} v | SETEX k 1 | GETSET k x | TTL k`,
  'INCR and its relatives': `INCR n | INCRBY n 10 | DECR n | DECRBY n 3 | GET n | SET n abc | INCR n | SET n " 11" | INCR n | SET n 11x
    | INCR n | SET n 011 | INCR n | SET n ${big} | INCR n | INCRBY n 1 | DECR n | INCRBY n 1 | INCRBY n -1 | SET n -${big} | DECR n | DECR n
    | DECRBY n -9223372036854775808 | INCRBY n abc | INCRBY n 1.5 | INCRBY n 9223372036854775808 | INCR | INCRBY n | SET n 17179869184 | INCR n
    | SET n 9007199254740993 | INCR n | DECRBY n 9007199254740993 | SET n "" | INCR n | SET n -0 | INCR n | SET n +1 | INCR n | DECRBY n 0`,
  INCRBYFLOAT: `INCRBYFLOAT f 1 | INCRBYFLOAT f 0.25 | SET f 1.5 | INCRBYFLOAT f 1.5 | SET f 3.0e3 | INCRBYFLOAT f 200 | SET f abc
    | INCRBYFLOAT f 1 | SET f " 1" | INCRBYFLOAT f 1 | SET f "1 " | INCRBYFLOAT f 1 | SET f 1 | INCRBYFLOAT f -1.1 | INCRBYFLOAT f nan
    | INCRBYFLOAT f +inf | INCRBYFLOAT f -inf | INCRBYFLOAT f abc | INCRBYFLOAT f "" | SET f 10.5 | INCRBYFLOAT f 0.1
    | SET f 5.0e3 | INCRBYFLOAT f 2.0e2 | SET f 17179869184 | INCRBYFLOAT f 1.5 | SET f 0 | INCRBYFLOAT f 0.00000000000000001
    | INCRBYFLOAT f 1e400000 | INCRBYFLOAT f .5 | INCRBYFLOAT f 5. | SET f inf | INCRBYFLOAT f 1 | SET f "" | INCRBYFLOAT f 1
    | SET f -5 | INCRBYFLOAT f 5 | INCRBYFLOAT f -0.5 | INCRBYFLOAT f | SET f 0x10 | INCRBYFLOAT f 0x1p3 | INCRBYFLOAT f 0X1F | INCRBYFLOAT f -0x.8
    | INCRBYFLOAT f 0x1.8p-2 | INCRBYFLOAT f 0x | INCRBYFLOAT f 0x. | INCRBYFLOAT f 0x1p | INCRBYFLOAT f 0xg | INCRBYFLOAT f 0x1p99999 | INCRBYFLOAT f infinity
    | INCRBYFLOAT f -Infinity | INCRBYFLOAT f NAN | INCRBYFLOAT f -nan | INCRBYFLOAT f 1e | INCRBYFLOAT f 1e5 | INCRBYFLOAT f 1_0`,
  'APPEND, GETRANGE, SETRANGE, STRLEN': `APPEND a foo | APPEND a bar | APPEND a "" | STRLEN a | STRLEN none | GETRANGE a 0 2 | GETRANGE a -3 -1
    | GETRANGE a 0 -1 | GETRANGE a 5 2 | GETRANGE a 100 200 | GETRANGE a -100 2 | GETRANGE a -1 -3 | GETRANGE a -100 -50 | GETRANGE a 0 ${big}
    | GETRANGE a 0 4294967297 | GETRANGE a -${big} 3 | GETRANGE none 0 -1 | GETRANGE a x 1 | GETRANGE a 0 | SUBSTR a 1 3 | SUBSTR a 1
    | SETRANGE s 0 foo | SETRANGE s 1 b | GET s | SETRANGE s 5 end | GET s | SETRANGE t 0 "" | EXISTS t | SETRANGE t 10000000000 ""
    | SETRANGE s -1 x | SETRANGE t -1 "" | SETRANGE s 1000000000 x | SETRANGE s 536870908 world | SETRANGE s ${big} x | SETRANGE s abc x
    | SETRANGE s 0 "" | SETRANGE t 3 x | GET t | SETRANGE none 4294967295 x`,
  'GETBIT, SETBIT, BITCOUNT, BITPOS': `SETBIT b 7 1 | GETBIT b 7 | GETBIT b 6 | GETBIT b 100 | GETBIT none 1 | SETBIT b 7 0 | SETBIT b 7 0 | SETBIT b 9 1 | STRLEN b
    | SETBIT n 20 0 | STRLEN n | SETBIT b 1 2 | SETBIT b -1 1 | SETBIT b a 1 | SETBIT b 1 a | SETBIT b 419430400 1 | SETBIT b ${big} 1 | GETBIT b -1
    | GETBIT b a | GETBIT b ${big} | GETBIT b | SETBIT b 1 | SETBIT t 100 1 | EXPIRE t 100 | SETBIT t 1 1 | TTL t | SET s foobar | BITCOUNT s | BITCOUNT s 0 0
    | BITCOUNT s 1 1 | BITCOUNT s 0 -5 | BITCOUNT s 1 1 BYTE | BITCOUNT s 5 30 BIT | BITCOUNT s -7 -3 bit | BITCOUNT s -3 -7 | BITCOUNT s -100 -200 | BITCOUNT s 9 9
    | BITCOUNT s 0 ${big} | BITCOUNT s 1 | BITCOUNT s 0 1 FOO | BITCOUNT s a b | BITCOUNT s 0 1 BIT x | BITCOUNT none | BITCOUNT none 0 1 | BITCOUNT
    | BITPOS s 1 | BITPOS s 0 | BITPOS s 1 2 | BITPOS s 0 2 3 | BITPOS s 1 10 | BITPOS s 0 10 | BITPOS s 1 13 40 BIT | BITPOS s 0 -3 -1 BIT | BITPOS s 1 -100 -200
    | BITPOS none 0 | BITPOS none 1 | BITPOS s 2 | BITPOS s a | BITPOS s 1 a | BITPOS s 1 0 a | BITPOS s 1 0 1 FOO | BITPOS s 1 0 1 BIT x | BITPOS s | SETBIT z 7 0
    | BITPOS z 1 | BITPOS z 0 | SET e "" | BITPOS e 0 | BITPOS e 1 | BITCOUNT e`,
  'BITFIELD and BITOP': `BITFIELD f | EXISTS f | BITFIELD f GET u8 0 | EXISTS f | BITFIELD f SET u8 0 255 GET u8 0 INCRBY u8 0 10 | BITFIELD f OVERFLOW SAT INCRBY u8 0 300
    | BITFIELD f OVERFLOW FAIL INCRBY u8 0 1 GET u8 0 | BITFIELD f SET i8 #1 -1 GET u8 #1 GET i4 8 | BITFIELD f INCRBY i64 0 ${big} | BITFIELD f INCRBY i64 0 ${big}
    | BITFIELD f OVERFLOW SAT SET i5 100 77 GET i5 100 OVERFLOW WRAP SET i5 100 77 GET i5 100 | BITFIELD f SET u63 3 -1 GET u63 3 | BITFIELD f OVERFLOW SAT SET u4 0 -1 GET u4 0
    | BITFIELD g OVERFLOW FAIL SET u2 0 5 | EXISTS g | STRLEN g | BITFIELD f GET u64 0 | BITFIELD f GET i65 0 | BITFIELD f GET x8 0 | BITFIELD f GET i0 0 | BITFIELD f GET u8 -1
    | BITFIELD f GET u8 # | BITFIELD f GET u8 #a | BITFIELD f GET u8 ${big} | BITFIELD f GET | BITFIELD f GET u8 | BITFIELD f SET u8 0 | BITFIELD f SET u8 0 x | BITFIELD f BOGUS
    | BITFIELD f OVERFLOW | BITFIELD f OVERFLOW BOGUS GET u8 0 | BITFIELD | BITFIELD_RO f GET u8 0 get i3 1 | BITFIELD_RO f SET u8 0 1 | BITFIELD_RO f OVERFLOW SAT GET u8 0
    | BITFIELD_RO none GET u8 0 | BITFIELD_RO f | BITFIELD_RO | SET a abcdef EX 100 | SET b ABC | BITOP AND d a b | GET d | TTL d | BITOP or d a b | GET d | BITOP XOR d a b | BITCOUNT d
    | BITOP NOT d a | BITCOUNT d | BITOP AND d a none | BITCOUNT d | BITOP OR d a none | GET d | BITOP AND d none | EXISTS d | BITOP NOT d none | BITOP NOT d a b | BITOP BOGUS d a
    | BITOP AND d | BITOP XOR a a a | BITCOUNT a | STRLEN a`,
  LCS: `MSET a ohmytext b mynewtext | LCS a b | LCS a b LEN | LCS a b IDX | LCS a b IDX MINMATCHLEN 4 | LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN | LCS a b idx withmatchlen
    | LCS a b IDX LEN | LCS a b BOGUS | LCS a b MINMATCHLEN | LCS a b MINMATCHLEN x | LCS a b MINMATCHLEN -5 IDX | LCS a b WITHMATCHLEN | LCS a none | LCS none none LEN | LCS a none IDX
    | LCS a | LCS a a IDX | MSET c abcabcabc d bcbacbcab | LCS c d | LCS c d IDX WITHMATCHLEN | LCS d c | LCS d c IDX`,
  'MGET, MSET, MSETNX': `MSET a 1 b 2 c 3 | MGET a b none c | MSET a 1 b | MSET a | MSETNX a 9 d 4 | EXISTS d | MSETNX d 4 e 5 | MGET d e
    | MSETNX d 4 e | MGET | MSET a 1 a 2 | GET a | MSETNX x1 xxx x1 yyy | GET x1 | MSETNX x1 xxx x1 zzz`,
  'DEL, EXISTS, TOUCH, TYPE': `MSET a 1 b 2 c 3 | EXISTS a b none a | TOUCH a none | DEL a b none | UNLINK c c | DEL | EXISTS | TYPE a | SET a 1 | TYPE a | TYPE`,
  'RENAME and COPY': `SET a 1 EX 100 | RENAME a b | TTL b | EXISTS a | RENAME none x | RENAME none none | RENAME b b | GET b | SET c 3 | RENAMENX b c
    | RENAMENX b d | TTL d | RENAMENX d d | RENAMENX none x | SET e 5 | SET d 4 | TTL d | RENAME d e | GET e | RENAME a | COPY e f | COPY e f
    | COPY c f REPLACE | GET f | COPY e e | COPY e e DB 0 | COPY none y | COPY e g DB notanumber | COPY e g DB 99 | COPY e g BOGUS
    | COPY e e DB 1 | COPY e h DB | SET i v EX 100 | COPY i j | TTL j | COPY c j REPLACE | TTL j | COPY e`,
  'expiry commands': `SET k v | EXPIRE k 100 | TTL k | EXPIRE k 100 NX | EXPIRE k 50 GT | EXPIRE k 200 GT | EXPIRE k 300 LT | EXPIRE k 100 LT | TTL k
    | PERSIST k | PERSIST k | PERSIST none | EXPIRE k 10 XX | EXPIRE k 10 GT | EXPIRE k 100 LT | TTL k | EXPIRE k 10 NX XX | EXPIRE k 10 GT LT
    | EXPIRE k 10 NX GT | EXPIRE k 10 BOGUS | EXPIRE k 10 XX GT | EXPIRE none 10 | TTL none | PTTL none | EXPIRETIME none | PEXPIRETIME none
    | EXPIRE k "" | EXPIRE k abc | EXPIRE k ${big} | EXPIRE k -${big} | EXPIRE k 9223370399119966 | PEXPIRE k ${big} | PEXPIRE k 9223372036854770000
    | EXPIRE k 9223372036854776 | EXPIREAT k ${big} | EXPIRE k -1 | EXISTS k | SET k v | EXPIREAT k 1 | GET k | SET k v | PEXPIRE k 0 | GET k
    | SET k v | PEXPIREAT k 0 | GET k | SET k v | EXPIREAT k 33177117420 | EXPIRETIME k | PEXPIRETIME k | PEXPIREAT k 33177117420123
    | PEXPIRETIME k | EXPIRETIME k | EXPIRE k | EXPIRE k 1 2 3 | TTL | SET k v | TTL k | PTTL k | EXPIRETIME k | EXPIRE k -9223372036854775808
    | EXPIRE k 9223372036854775 | EXPIRE k -9999999999999999`,
  'keyspace commands': `DBSIZE | RANDOMKEY | SCAN -1 | SET foo 1 | RANDOMKEY | DBSIZE | KEYS f* | KEYS [ | KEYS f[n-p]o | KEYS f\\oo | KEYS ?? | SCAN 0 | SCAN abc
    | SCAN 0 COUNT 0 | SCAN 0 COUNT abc | SCAN 0 MATCH | SCAN 0 BOGUS 1 | SCAN 0 MATCH g* | SCAN 0 TYPE string | SCAN 0 TYPE list | SCAN 0 TYPE bogus | SCAN 0 TYPE
    | SCAN 0 TYPE STRING COUNT 5
    | SCAN 18446744073709551616 | SCAN | KEYS | FLUSHDB BOGUS | FLUSHDB ASYNC x | FLUSHDB SYNC | DBSIZE | FLUSHALL ASYNC | FLUSHALL`,
  databases: `SET a zero | SELECT 1 | GET a | SET a one | SELECT 0 | GET a | SELECT 99 | SELECT abc | SELECT -1 | SELECT | COPY a b DB 1
    | SELECT 1 | GET b | FLUSHDB | DBSIZE | SELECT 0 | DBSIZE`,
  'connection commands': `PING | PING hello | PING a b | ECHO hi | ECHO | AUTH x | AUTH default x | AUTH bob x | AUTH a b c | AUTH | HELLO 4 | HELLO abc
    | HELLO 2 BOGUS | HELLO 2 AUTH a | CLIENT GETNAME | CLIENT SETNAME me | CLIENT GETNAME | CLIENT SETNAME "a b" | CLIENT BOGUS | CLIENT | CLIENT SETNAME
    | CLIENT REPLY BOGUS | CLIENT NO-EVICT ON | CLIENT NO-EVICT x | CLIENT KILL 1.2.3.4:5 | CLIENT KILL ID abc | CLIENT KILL ID 0 | CLIENT KILL ID 99999
    | CLIENT GETREDIR | CLIENT LIST TYPE bogus | CLIENT LIST BOGUS | RESET | CLIENT GETNAME | READONLY x | WAIT 0 | WAIT a 0 | WAIT 0 a | WAIT 0 -1 | WAIT 0 10`,
  'unknown commands': `BOGUS | BOGUS a b | "" | foo "bar baz" qux | CONFIG BOGUS | COMMAND BOGUS | OBJECT BOGUS x | CLUSTER KEYSLOT | CONFIG GET | CONFIG SET
    | CONFIG GET nosuchthing | OBJECT | COMMAND GETKEYS GET a | COMMAND GETKEYS MSET a 1 b 2 | COMMAND GETKEYS PING x | COMMAND GETKEYS BOGUS a
    | COMMAND GETKEYS GET | COMMAND GETKEYS BITOP AND d a b | COMMAND GETKEYS LCS a b | COMMAND GETKEYS OBJECT ENCODING x | COMMAND GETKEYS OBJECT FREQ
    | COMMAND GETKEYS OBJECT HELP | COMMAND GETKEYS OBJECT FOO x | COMMAND GETKEYS MEMORY USAGE x | COMMAND GETKEYS CLUSTER KEYSLOT x | COMMAND GETKEYS CLUSTER FOO
    | COMMAND GETKEYS MSET a | COMMAND GETKEYS MSETNX a b c | COMMAND GETKEYS COPY a b | COMMAND GETKEYS DEL a b c | COMMAND GETKEYS SCAN 0 | COMMAND LIST BOGUS x y
    | COMMAND LIST FILTERBY | COMMAND LIST FILTERBY MODULE x | COMMAND LIST FILTERBY ACLCAT bogus | COMMAND LIST FILTERBY ACLCAT | COMMAND LIST FILTERBY PATTERN GETB*`,
  'what operators ask': `SLOWLOG RESET | SLOWLOG GET x | SLOWLOG GET -2 | SLOWLOG BOGUS | SLOWLOG | SLOWLOG LEN x | CONFIG SET slowlog-log-slower-than abc
    | CONFIG SET slowlog-log-slower-than 1000000 | CONFIG GET slowlog-log-slower-than | SLOWLOG RESET | SLOWLOG LEN | SLOWLOG GET | SLOWLOG GET 5 | SLOWLOG GET -1
    | CONFIG SET slowlog-max-len 64 | CONFIG GET slowlog-max-len | CONFIG SET slowlog-max-len 128 slowlog-log-slower-than 10000000 | CONFIG GET slowlog-log-slower-than
    | CONFIG SET timeout 0 timeout 0 | CONFIG SET timeout 0 hz | CONFIG SET nosuch 1 | CONFIG SET hz 10 | CONFIG SET latency-monitor-threshold x | LATENCY LATEST | LATENCY HISTORY command
    | LATENCY HISTORY | LATENCY RESET | LATENCY RESET command x | LATENCY BOGUS | CONFIG RESETSTAT | LATENCY HISTOGRAM bogus
    | CLIENT PAUSE | CLIENT PAUSE x | CLIENT PAUSE -1 | CLIENT PAUSE 1 BOGUS | CLIENT PAUSE 0 | CLIENT PAUSE 1 WRITE | SET k v | CLIENT UNPAUSE | CLIENT UNPAUSE x
    | CLIENT KILL USER nobody | CLIENT KILL ID 99999 USER nobody | CLIENT KILL USER default ID 99999 | CLIENT KILL TYPE bogus | CLIENT KILL TYPE replica | CLIENT KILL LADDR 1.2.3.4:5
    | CLIENT KILL SKIPME no ID 99999 | CLIENT KILL SKIPME maybe | CLIENT KILL ID | CLIENT KILL a b`,
  transactions: `MULTI | SET {t}a 1 | INCR {t}a | APPEND {t}b x | GET {t}a | MGET {t}a {t}b {t}c | STRLEN {t}b | EXEC | EXEC | DISCARD | MULTI | MULTI | DISCARD | DISCARD
    | MULTI x | MULTI | GET | EXEC | MULTI | BOGUS | SET {t}a 2 | EXEC | GET {t}a | MULTI | INCR {t}b | SET {t}a 3 EX abc | GET {t}a | EXEC | MULTI | EXEC | MULTI | PING | ECHO hi | EXEC
    | MULTI | SET {t}a 9 EX 100 | TTL {t}a | PERSIST {t}a | TTL {t}a | GETDEL {t}a | GET {t}a | EXISTS {t}a {t}b | EXEC | GET {t}a
    | MULTI | SET {t}a 1 NX | SET {t}a 2 NX | SETNX {t}c 1 | GETSET {t}c 2 | GETEX {t}c PX 100000 | EXPIRE {t}c -1 | EXISTS {t}c | EXEC
    | MULTI | MSET {t}a 1 {t}b 2 | RENAME {t}a {t}d | COPY {t}d {t}e | RENAMENX {t}d {t}e | RENAME {t}none {t}d | MSETNX {t}d 7 {t}f 8 | DEL {t}b {t}none | UNLINK {t}e | TOUCH {t}d {t}e | TYPE {t}d
    | EXEC | MGET {t}a {t}b {t}d {t}e {t}f | MULTI | SETBIT {t}g 7 1 | BITCOUNT {t}g | BITOP NOT {t}h {t}g | GETRANGE {t}h 0 -1 | SETRANGE {t}h 2 xy | LCS {t}h {t}g LEN | INCRBYFLOAT {t}i 1.5 | DECRBY {t}i 1 | EXEC
    | WATCH | WATCH {t}a | MULTI | WATCH {t}a | SET {t}a 1 | EXEC | WATCH {t}a | SET {t}a 2 | MULTI | GET {t}a | EXEC | GET {t}a | WATCH {t}a {t}new | MULTI | GET {t}new | EXEC
    | WATCH {t}a | SET {t}a 3 | UNWATCH | MULTI | GET {t}a | EXEC | WATCH {t}a | SET {t}a 4 | MULTI | DISCARD | MULTI | GET {t}a | EXEC | WATCH {t}a | DEL {t}a | MULTI | PING | EXEC
    | WATCH {t}a | SET {t}a 1 | DEL {t}a | MULTI | PING | EXEC | WATCH {t}a | SET {t}a 5 | WATCH {t}a | MULTI | GET {t}a | EXEC | MULTI | UNWATCH | GET {t}a | EXEC | UNWATCH x
    | WATCH {t}a | SET {t}a 6 | RESET | MULTI | GET {t}a | EXEC | MULTI | SET {t}a 7 | RESET | EXEC | GET {t}a | MULTI | TOUCH {t}a | OBJECT | EXEC`,
  'OBJECT ENCODING': `SET a 1 | OBJECT ENCODING a | SET a -55 | OBJECT ENCODING a | SET a foo | OBJECT ENCODING a | SET a 01 | OBJECT ENCODING a
    | SET a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | OBJECT ENCODING a | SET a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | OBJECT ENCODING a
    | OBJECT ENCODING none | OBJECT FREQ a | OBJECT FREQ none | OBJECT IDLETIME a | OBJECT IDLETIME none | OBJECT REFCOUNT none | OBJECT IDLETIME | MEMORY USAGE none | MEMORY USAGE | OBJECT ENCODING`,
};

export function commandsOf(script: string): string[][] {
  return script
    .split('|')
    .map((line) => (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', '')))
    .filter((words) => words.length > 0);
}
