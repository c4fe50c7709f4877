/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol.h"

#define ASK(rest)    "> {'jsonrpc':'2.0','id':1," rest "}\n"
#define ANSWER(rest) "< {'jsonrpc':'2.0','id':1,'result':" rest "}"

/* clang-format off */
const struct protocol_method protocol_methods[] = {
{
    .name = "status",
    .summary = "how the host is",
    .params = "none",
    .result = "an object: pid, version, state (\"running\"), uptime_ms, workers, plugins\n"
              "and data (folders), socket, applications, processes and events (how many)",
    .errors = "none",
    .example = ASK("'method':'status'")
               ANSWER("{'pid':123,'version':'0.1.0',\n"
               "   'state':'running','uptime_ms':5000,'workers':2,...}"),
    .command = "moult status",
},
{
    .name = "apps",
    .summary = "the applications that there are",
    .params = "none",
    .result = "an array of objects: name, vsn, status (\"running\", \"stopped\", \"failed\"),\n"
              "start (\"temporary\", \"transient\" or \"permanent\"), servers (how many),\n"
              "restarts (of them), description, applications (that it needs),\n"
              "optional_applications, included_applications, registered, modules (each an\n"
              "array of strings); included_in, if it runs as part of another",
    .errors = "none",
    .example = ASK("'method':'apps'")
               ANSWER("[{'name':'counter','vsn':'1.0.0',\n"
               "   'status':'running','servers':1,'restarts':0,'description':'...'}]"),
    .command = "moult apps",
},
{
    .name = "env",
    .summary = "what is configured of an application",
    .params = "application  string\n"
              "key          string: only that\n"
              "value        any JSON: it is that from now on, until the host ends; also if an\n"
              "             upgrade is under way, which is refused if the new version can't\n"
              "             have it.  Its config_change is not called",
    .result = "an object: application, and env, an array of objects: key, value (null: it has\n"
              "none), type (\"any\", \"integer\", \"number\", \"boolean\", \"text\", \"array\",\n"
              "\"map\"), from (who said it), least and most where there are any",
    .errors = "not_found (the application, or the key), invalid (it may not be that)",
    .example = ASK("'method':'env',\n"
               "   'params':{'application':'web','key':'port'}")
               ANSWER("{'application':'web','env':\n"
               "   [{'key':'port','value':8080,'from':'default','type':'integer',\n"
               "   'least':1,'most':65535}]}"),
    .command = "moult env",
},
{
    .name = "log",
    .summary = "how much of what applications say is kept",
    .params = "application  string: only that; \"kernel\" is the host itself\n"
              "level        \"debug\", \"info\", \"warn\" or \"error\": from now on that and above;\n"
              "             or \"none\"",
    .result = "an object: the level of each, by name",
    .errors = "not_found",
    .example = ASK("'method':'log',\n"
               "   'params':{'application':'web','level':'debug'}")
               ANSWER("{'web':'debug'}"),
    .command = "moult log",
},
{
    .name = "tree",
    .summary = "the supervision trees",
    .params = "limit  integer, no more children of a supervisor than so many; 1000",
    .result = "an object: host, and applications, an array of objects: name, vsn, status\n"
              "and supervisor, which has pid, strategy, restarts, count and\n"
              "children, the first of so many.  A child\n"
              "has id, name (\"\" if it is not registered), pid, type, status, restarts;\n"
              "one of type \"supervisor\" has strategy and children of its own.  Where a\n"
              "supervisor did not answer, `error` says why",
    .errors = "none",
    .example = ASK("'method':'tree'")
               ANSWER("{'host':'moult','applications':\n"
               "   [{'name':'counter','vsn':'1.0.0','status':'running','supervisor':\n"
               "   {'pid':'<0.3.1>','strategy':'one_for_one','restarts':0,'count':1,\n"
               "   'children':\n"
               "   [{'id':'counter','name':'counter','pid':'<0.4.1>','type':'worker',\n"
               "   'status':'running','restarts':0}]}}]}"),
    .command = "moult tree",
},
{
    .name = "ps",
    .summary = "the processes",
    .params = "limit  integer, 1000 unless given: no more than so many\n"
              "sort   \"memory\", \"mailbox\" or \"reductions\": the most first; \"name\":\n"
              "       those that have one first",
    .result = "an array of objects: pid, name (\"\" if it is not registered), application\n"
              "(\"kernel\" is the host's own), id, vsn, status (\"running\", \"idle\",\n"
              "\"waiting\", \"suspended\", \"held\" by an upgrade, \"exiting\"), mailbox\n"
              "(messages that wait), memory (bytes), reductions (messages that it has\n"
              "handled)",
    .errors = "none",
    .example = ASK("'method':'ps'")
               ANSWER("[{'pid':'<0.4.1>','name':'counter',\n"
               "   'application':'counter','id':'counter','vsn':'1.0.0','status':'idle',\n"
               "   'mailbox':0,'memory':512,'reductions':7}]"),
    .command = "moult ps",
},
{
    .name = "registry",
    .summary = "the registries, and who is registered in them",
    .params = "name   string, a registered name: of the only registry that is listed\n"
              "limit  integer, 1000 unless given: no more entries than so many, of all\n"
              "       registries together",
    .result = "an array of objects: name (\"\" if it is not registered), pid, keys\n"
              "(\"unique\", \"duplicate\"), partitions (how many), partition_by (\"key\",\n"
              "\"pid\"), count (of entries), entries: an array of objects: key, pid, name\n"
              "(of the process, \"\" if it has none), value",
    .errors = "not_found",
    .example = ASK("'method':'registry','params':{'name':'rooms'}")
               ANSWER("[{'name':'rooms','pid':'<0.4.1>',\n"
               "   'keys':'duplicate','partitions':1,'partition_by':'pid','count':1,\n"
               "   'entries':[{'key':'lobby','pid':'<0.9.1>','name':'','value':null}]}]"),
    .command = "moult registry",
},
{
    .name = "telemetry",
    .summary = "who listens to which events",
    .params = "prefix  string, the first words of the events that are listed",
    .result = "an array of objects, one for each event that a handler is attached to: id,\n"
              "event, app, handler (the function's name), pid, dropped (events that it was\n"
              "too slow for)",
    .errors = "none",
    .example = ASK("'method':'telemetry','params':{'prefix':'shop'}")
               ANSWER("[{'id':'orders','event':'shop.order.placed',\n"
               "   'app':'shop','handler':'note_order','pid':'<0.12.1>','dropped':0}]"),
    .command = "moult telemetry",
},
{
    .name = "children",
    .summary = "the children of one supervisor",
    .params = "name   string, a registered name, a pid as \"<0.4.1>\", or the application that\n"
              "       it is the top supervisor of\n"
              "limit  integer, no more than so many; 1000",
    .result = "an object: name, pid, strategy, count and children, as of tree",
    .errors = "not_found, unsupported (it is no supervisor), timeout, died",
    .example = ASK("'method':'children','params':{'name':'pool'}")
               ANSWER("{'name':'pool','pid':'<0.5.1>',\n"
               "   'strategy':'one_for_one','count':1,'children':[{'id':'worker',...}]}"),
    .command = "moult children",
},
{
    .name = "info",
    .summary = "all that one process tells of itself",
    .params = "name  as of suspend",
    .result = "an object: pid, name, label, kind (\"server\", \"statem\", \"supervisor\",\n"
              "\"process\", \"task\"), application, vsn, status (\"idle\", \"running\", \"waiting\"\n"
              "in a callback, \"suspended\", \"exiting\"), function (that runs, or null),\n"
              "mailbox (messages that wait), memory (bytes), reductions (messages that it\n"
              "has handled), trap_exit, parent, links, monitors, monitored_by (arrays of\n"
              "pids), ancestors (array of pid and name, the parent first).  Of one that\n"
              "computes without end only pid, name, status, mailbox, memory, reductions",
    .errors = "not_found, died",
    .example = ASK("'method':'info','params':{'name':'counter'}")
               ANSWER("{'pid':'<0.4.1>','name':'counter',\n"
               "   'kind':'server','status':'idle','function':null,'mailbox':0,...}"),
    .command = "moult info",
},
{
    .name = "suspend",
    .summary = "have a server or a supervisor rest: what it is sent waits",
    .params = "name  string, a registered name, or a pid as \"<0.4.1>\"",
    .result = "null: it rests, until it is resumed; an upgrade changes nothing of that",
    .errors = "not_found, timeout (it is in a callback that does not end), died",
    .example = ASK("'method':'suspend','params':{'name':'counter'}")
               ANSWER("null"),
    .command = "moult suspend",
},
{
    .name = "resume",
    .summary = "have it go on, with what waits",
    .params = "name  as of suspend",
    .result = "null; also if it was not suspended",
    .errors = "not_found, timeout, died",
    .example = ASK("'method':'resume','params':{'name':'counter'}")
               ANSWER("null"),
    .command = "moult resume",
},
{
    .name = "trace",
    .summary = "what a process is sent and sends, as it happens",
    .params = "name  as of suspend",
    .result = "once it has ended, an object: ended, why in words.  Before that a notification\n"
              "`trace.begin`, and for each message `trace`: trace (the pid that is traced),\n"
              "event (\"in\" or \"out\"), kind (\"call\", \"cast\", \"info\", \"reply\", \"exit\",\n"
              "\"down\", \"timeout\"), peer (a pid), at_us (microseconds since 1970), message\n"
              "(null if it has none, or more than 4096 bytes), bytes, reason (of an exit, a\n"
              "down or a refusal), missed (how many were dropped before this one, since they\n"
              "came faster than they were read).  It ends with the session",
    .errors = "not_found, timeout, refused (8 others trace it)",
    .example = ASK("'method':'trace','params':{'name':'counter'}")
               "< {'jsonrpc':'2.0','method':'trace','params':{'event':'in','kind':'call',\n"
               "   'peer':'<0.9.1>','at_us':1767323045000000,'message':'bump','bytes':5,...}}",
    .command = "moult trace",
},
{
    .name = "statistics",
    .summary = "count the messages of a process, or tell how many there were",
    .params = "name  as of suspend\n"
              "on    true or false: count from now on, or no more",
    .result = "null; without `on` an object: for_ms, in and out (messages) and handled, or\n"
              "null if it does not count",
    .errors = "not_found, timeout, died",
    .example = ASK("'method':'statistics','params':{'name':'counter'}")
               ANSWER("{'for_ms':1000,'in':12,'out':12,'handled':12}"),
    .command = "none: 'moult ps' shows how many messages each has handled",
},
{
    .name = "state",
    .summary = "the state of a server",
    .params = "name  as of suspend",
    .result = "an object: name, pid, vsn, format, and state: a map keyed by field, in which\n"
              "\"(secret)\" stands for what is secret, or what its format_status makes of it",
    .errors = "not_found, timeout (it is in a callback that does not end), died",
    .example = ASK("'method':'state','params':{'name':'counter'}")
               ANSWER("{'name':'counter','pid':'<0.4.1>',\n"
               "   'vsn':'1.0.0','format':0,'state':{'count':7}}"),
    .command = "moult state",
},
{
    .name = "call",
    .summary = "ask a server something and wait for its reply",
    .params = "name        as of suspend\n"
              "message     any JSON, as CBOR what the server is asked\n"
              "timeout_ms  integer, 5000 unless given: how long to wait",
    .result = "the reply, any JSON",
    .errors = "not_found, timeout, died, busy (its mailbox is full), and what the server\n"
              "itself refuses with; the message is its own then",
    .example = ASK("'method':'call',\n"
               "   'params':{'name':'counter','message':{'add':5}}")
               ANSWER("12"),
    .command = "moult call",
},
{
    .name = "cast",
    .summary = "tell a server something and not wait",
    .params = "name     as of suspend\n"
              "message  any JSON, as CBOR what the server is told",
    .result = "null: it is in the mailbox",
    .errors = "not_found, busy (its mailbox is full)",
    .example = ASK("'method':'cast',\n"
               "   'params':{'name':'counter','message':'bump'}")
               ANSWER("null"),
    .command = "moult cast",
},
{
    .name = "upgrade",
    .summary = "move applications to other versions, with their state",
    .params = "targets       array of strings, \"APP@VSN\", or \"APP\" for the highest\n"
              "              there is\n"
              "plan          true: say what would be done, and do nothing\n"
              "max_pause_ms  integer: if servers were held up longer, none moves\n"
              "max_move_ms   integer: if the move of one took longer, none moves\n"
              "brutal        true: then kill what still runs a version that was left; the\n"
              "              result has killed, how many\n"
              "confirm_within_ms  integer: unless `confirm` comes in that time, it goes\n"
              "              back, with all state; also as soon as one of the applications\n"
              "              has more restarts than before.  It is not permanent until then,\n"
              "              and other changes are refused as busy\n"
              "canary        array of strings: one \"5%\", or names of servers: only these go;\n"
              "              see canary",
    .result = "of several targets, which go together, an array with an object for each; of\n"
              "one, the object: application, from, to, servers (how many), moved (how many by\n"
              "pointer, schema and code_change, how many were added and removed, and anew, how\n"
              "many an appup had stopped and started, and renewed, how many were\n"
              "started so in the end, for other args),\n"
              "list (server, pid, moved, took_us; the first 100,000), rehearsed (states that\n"
              "were tried before), rehearsed_messages (that waited for them), pause_us,\n"
              "total_us and, in it, vet_us, rehearse_us and\n"
              "record_us (to write down what runs), waited (messages that came during the\n"
              "pause and were answered after it); of one that was there already moved is\n"
              "{unchanged}; of one that did not run, and is started, only application and to;\n"
              "of one that went by way of others, via, their vsns; of one\n"
              "whose appup says so, restarted, true; of the first, if there are any, started\n"
              "and stopped (application, vsn), which are others.  If an appup has the host begin anew: application, from,\n"
              "to and restart, true; then all servers end in order, connections are closed,\n"
              "and the same process begins again, with it, once.  With\n"
              "plan: application, from, to, via, by (\"derived\", or\n"
              "where its appup says how), steps (step, text), servers (server, count, moved,\n"
              "why), env (key, from, to), restart (that the host begins anew), pause_us, pause_by (\"measured\" by the last\n"
              "upgrade, or \"assumed\").  On the way `progress` tells each step and, of one\n"
              "that waits, app, ms, count, servers (server, pid, doing) and text",
    .errors = "refused, not_found, timeout (a server did not come to rest, or it would be\n"
              "paused for too long), busy (another\n"
              "upgrade), invalid (the file), unsupported.  Nothing was changed then, and\n"
              "`data` says which step, server and field",
    .example = ASK("'method':'upgrade',\n"
               "   'params':{'targets':['counter@1.1.0']}")
               "< {'jsonrpc':'2.0','method':'progress','params':{'step':'vet','id':1}}\n"
               ANSWER("{'application':'counter','from':'1.0.0',\n"
               "   'to':'1.1.0','servers':1,'moved':{'pointer':0,'schema':1,\n"
               "   'code_change':0,'added':0,'removed':0},'pause_us':180,...}"),
    .command = "moult upgrade",
},
{
    .name = "downgrade",
    .summary = "move applications back to lower versions",
    .params = "targets  array of strings, \"APP@VSN\"\n"
              "plan, max_pause_ms, max_move_ms, confirm_within_ms  as of upgrade",
    .result = "as of upgrade",
    .errors = "as of upgrade",
    .example = ASK("'method':'downgrade',\n"
               "   'params':{'targets':['counter@1.0.0']}")
               ANSWER("{'application':'counter','from':'1.1.0',\n"
               "   'to':'1.0.0',...}"),
    .command = "moult downgrade",
},
{
    .name = "rehearse",
    .summary = "try an upgrade or downgrade on copies of live states, and no more",
    .params = "targets  array of strings, as of upgrade",
    .result = "of several targets an array with an object for each, of one the object:\n"
              "application, from, to, rehearsed (states that were carried),\n"
              "rehearsed_messages (that wait for these servers, of each 100 at most; if\n"
              "message_change is to carry any)",
    .errors = "as of upgrade",
    .example = ASK("'method':'rehearse',\n"
               "   'params':{'targets':['counter@2.0.0']}")
               ANSWER("{'application':'counter','from':'1.1.0',\n"
               "   'to':'2.0.0','rehearsed':12,'rehearsed_messages':0}"),
    .command = "moult rehearse",
},
{
    .name = "snapshot",
    .summary = "write live states of an application, and what waits for it, to a file",
    .params = "application  string, its name\n"
              "file         string, an absolute path; CBOR, for 'moult check --states'",
    .result = "an object: application, vsn, file, states (how many; a server that is busy\n"
              "for a second is left out), messages (that wait for these, of each 100 at\n"
              "most)",
    .errors = "not_found, and why the file can't be written",
    .example = ASK("'method':'snapshot',\n"
               "   'params':{'application':'counter','file':'/tmp/counter.states'}")
               ANSWER("{'application':'counter','vsn':'1.1.0',\n"
               "   'file':'/tmp/counter.states','states':1,'messages':0}"),
    .command = "moult snapshot",
},
{
    .name = "unpack",
    .summary = "take files in without upgrading to them",
    .params = "files  array of strings, absolute paths of plugins (.so), release files (.rel)\n"
              "       and packages of both (.pack)",
    .result = "an array of objects, one for each: application, vsn and runs (whether a version\n"
              "of it does), or release; and new (false: it was known already)",
    .errors = "not_found, invalid and others: `data` says what is wrong with the file; those\n"
              "before it have been taken in",
    .example = ASK("'method':'unpack',\n"
               "   'params':{'files':['/tmp/counter-1.1.0.so']}")
               ANSWER("[{'application':'counter','vsn':'1.1.0',\n"
               "   'new':true,'runs':true}]"),
    .command = "moult unpack",
},
{
    .name = "releases",
    .summary = "the releases and versions that are known, and what became of them",
    .params = "none",
    .result = "an object: releases, an array of objects: name, vsn, status (\"unpacked\",\n"
              "\"current\", \"permanent\", \"old\"), made (true: by the host itself),\n"
              "applications (array of strings, \"APP@VSN\"); and versions, an array of\n"
              "objects: name, vsn, status (\"running\", \"staged\", \"old\", \"refused\"),\n"
              "file, hash, since (a time), reason (why it was refused, or what keeps an old\n"
              "one loaded), lints (array of strings); and awaits, if a change awaits\n"
              "confirmation: release, from, applications (array of objects: name, from, to,\n"
              "restarts since, allowed), left_ms, or refused: why it could not go back; and\n"
              "canary, if there is one: application, from, to",
    .errors = "none",
    .example = ASK("'method':'releases'")
               ANSWER("{'releases':[{'name':'local','vsn':'2',\n"
               "   'status':'permanent','made':true,'applications':['counter@1.1.0']},...],\n"
               "   'versions':[{'name':'counter','vsn':'1.1.0',\n"
               "   'status':'running','file':'counter-1.1.0.so',...}]}"),
    .command = "moult releases",
},
{
    .name = "install",
    .summary = "have a release run: its applications at its versions, and no others",
    .params = "release  string, \"NAME@VSN\", or its vsn or name if only one has it\n"
              "plan, max_pause_ms, max_move_ms, confirm_within_ms  as of upgrade; if it is\n"
              "         confirmed it is current still",
    .result = "an object: release, from, permanent (whether it is), upgraded (an array, as\n"
              "upgrade gives for several), started and stopped: arrays of objects:\n"
              "application, vsn.  On the way `progress` tells each step",
    .errors = "as of upgrade: nothing was changed then",
    .example = ASK("'method':'install',\n"
               "   'params':{'release':'shop@1.2.0'}")
               ANSWER("{'release':'shop@1.2.0',\n"
               "   'from':'shop@1.1.0','permanent':false,'upgraded':[...],\n"
               "   'started':[{'application':'cart','vsn':'1.0.0'}],'stopped':[]}"),
    .command = "moult install",
},
{
    .name = "confirm",
    .summary = "have what awaits confirmation stay",
    .params = "none",
    .result = "an object: release, from, permanent (whether a host begins with it now: as what\n"
              "ran before, but not after install)",
    .errors = "not_found (nothing awaits it)",
    .example = ASK("'method':'confirm'")
               ANSWER("{'release':'local@3','from':'local@2',\n"
               "   'permanent':true}"),
    .command = "moult confirm",
},
{
    .name = "canary",
    .summary = "how the servers do that went ahead, beside the others",
    .params = "none",
    .result = "null: there is no canary; or an object: application, from, to, for_ms and\n"
              "versions, an array of two objects, the old one first: vsn, servers (how many),\n"
              "crashes, restarts, and of calls that were timed calls (how many), failed (how\n"
              "many were answered by an error), mean_us, p50_us, p99_us, most_us",
    .errors = "none",
    .example = ASK("'method':'canary'")
               ANSWER("{'application':'web','from':'1.4.0',\n"
               "   'to':'2.0.0','for_ms':61000,'versions':[{'vsn':'1.4.0','servers':95,\n"
               "   'crashes':0,...},...]}"),
    .command = "moult canary",
},
{
    .name = "promote",
    .summary = "have the rest follow the canary",
    .params = "max_pause_ms, max_move_ms, confirm_within_ms  as of upgrade",
    .result = "as of upgrade of one; moved has unchanged, those that went ahead",
    .errors = "not_found (there is no canary), and as of upgrade: the canary goes on",
    .example = ASK("'method':'promote'")
               ANSWER("{'application':'web','from':'1.4.0',\n"
               "   'to':'2.0.0','servers':95,...}"),
    .command = "moult promote",
},
{
    .name = "withdraw",
    .summary = "have what awaits confirmation, or a canary, go back now",
    .params = "none",
    .result = "as of install: release is what runs again; of a canary as of upgrade of one",
    .errors = "not_found (there is neither), and as of upgrade: it stays then, and\n"
              "`releases` tells of it",
    .example = ASK("'method':'withdraw'")
               ANSWER("{'release':'local@2','from':'local@3',\n"
               "   'permanent':true,'upgraded':[...],'started':[],'stopped':[]}"),
    .command = "moult withdraw",
},
{
    .name = "permanent",
    .summary = "have a host begin with the release that runs",
    .params = "release  string, which it should be; whichever runs, unless given",
    .result = "an object: release, from (the one that was permanent)",
    .errors = "not_found, refused (it does not run)",
    .example = ASK("'method':'permanent'")
               ANSWER("{'release':'shop@1.2.0',\n"
               "   'from':'shop@1.1.0'}"),
    .command = "moult permanent",
},
{
    .name = "purge",
    .summary = "unload a version that does not run any more",
    .params = "target  string, \"APP@VSN\"\n"
              "brutal  true: kill the processes that run it still",
    .result = "an object: application, vsn, killed (how many), unloaded, reason (what keeps\n"
              "it, if it is not); also if it was not loaded",
    .errors = "not_found, refused (it runs), busy (processes run it still; the message names\n"
              "them)",
    .example = ASK("'method':'purge',\n"
               "   'params':{'target':'counter@1.0.0','brutal':true}")
               ANSWER("{'application':'counter','vsn':'1.0.0','killed':2,\n"
               "   'unloaded':true}"),
    .command = "moult purge",
},
{
    .name = "reload",
    .summary = "have the host go by its configuration file as it stands now",
    .params = "none",
    .result = "an object: file, and changed, an array of objects: setting (\"rehearse\",\n"
              "\"web.env.port\"), from, to (null: nothing).  Those whose env is another were\n"
              "told by their config_change.  SIGHUP does the same",
    .errors = "invalid (the file, by line and key), refused (a config_check; data says whose),\n"
              "unsupported (what can't change while a host runs), not_found (it has no file).\n"
              "Nothing was changed then",
    .example = ASK("'method':'reload'")
               ANSWER("{'file':'moult.conf','changed':[\n"
               "   {'setting':'web.env.port','from':80,'to':8080}]}"),
    .command = "moult reload",
},
{
    .name = "remove",
    .summary = "forget a release, and delete the versions that no other has",
    .params = "release  string, as of install",
    .result = "an object: release, removed (array of strings, \"APP@VSN\")",
    .errors = "not_found, refused (it runs or is permanent), busy (its code is in use)",
    .example = ASK("'method':'remove',\n"
               "   'params':{'release':'shop@1.1.0'}")
               ANSWER("{'release':'shop@1.1.0',\n"
               "   'removed':['cart@0.9.0']}"),
    .command = "moult remove",
},
{
    .name = "reboot-old",
    .summary = "begin anew with an old release",
    .params = "release  string, as of install",
    .result = "an object: release, from.  It is permanent; then all servers end in order,\n"
              "connections are closed, and the same process begins again",
    .errors = "not_found, refused (it is not old)",
    .example = ASK("'method':'reboot-old',\n"
               "   'params':{'release':'shop@1.1.0'}")
               ANSWER("{'release':'shop@1.1.0',\n"
               "   'from':'shop@1.2.0'}"),
    .command = "moult reboot-old",
},
{
    .name = "crash.list",
    .summary = "the faults that were reported, contained or not",
    .params = "none",
    .result = "an array of objects, the newest first, at most 100: id, time, status\n"
              "(\"contained\", or \"fatal\": the host died of it), reason, signal (or what\n"
              "else it was), because (why it could not be contained), address, application,\n"
              "vsn, server, child, pid, os_pid (of the host), function, file, line: each\n"
              "only where it is known.  A place that fails again is not reported again\n"
              "while its plugin is loaded; each time there is an event `server.fault`",
    .errors = "none",
    .example = ASK("'method':'crash.list'")
               ANSWER("[{'id':'1767323045-812-1','status':'contained',\n"
               "   'reason':'SIGSEGV at address 0x0 in handle_call (counter.c:21)\n"
               "   of counter 1.0.0',...}]"),
    .command = "moult crash",
},
{
    .name = "crash.show",
    .summary = "all that is known of one fault",
    .params = "id  string, as crash.list has it",
    .result = "an object as of crash.list, with message (what was being handled, or\n"
              "message_bytes, its CBOR in hex, if it was too long to be kept whole) and\n"
              "frames, the innermost first, an array of objects: pc, object (a file),\n"
              "offset (in it), build_id, function, file, line.  They are looked up when it\n"
              "is asked for, by build id, also in versions that run no more",
    .errors = "not_found",
    .example = ASK("'method':'crash.show','params':{'id':'1767323045-812-1'}")
               ANSWER("{'id':'1767323045-812-1','message':{'add':5},\n"
               "   'frames':[{'pc':'0x7f12','function':'handle_call','file':'counter.c',\n"
               "   'line':21,...},...],...}"),
    .command = "moult crash ID",
},
{
    .name = "events.recent",
    .summary = "the last events",
    .params = "count  integer from 1 to 4096, 100 unless given\n"
              "since  integer, the first sequence number wanted\n"
              "level  \"debug\", \"info\", \"warn\" or \"error\": that and above\n"
              "names  array of strings: \"upgrade\" stands for \"upgrade.commit\" as well",
    .result = "an object: events (array of objects: seq, time, level, event and what the\n"
              "event has), missed (how many since `since` are not kept any more), next\n"
              "(the sequence number to ask for next)",
    .errors = "none",
    .example = ASK("'method':'events.recent',\n"
               "   'params':{'count':1,'names':['upgrade']}")
               ANSWER("{'events':[{'seq':41,'time':'...',\n"
               "   'level':'info','event':'upgrade.commit',...}],'missed':0,'next':52}"),
    .command = "moult events",
},
{
    .name = "events.subscribe",
    .summary = "be sent events as they happen",
    .params = "since  integer, the first sequence number wanted; from now on unless given\n"
              "level  as of events.recent\n"
              "names  as of events.recent",
    .result = "an object: next, the first sequence number that may come.  From then on\n"
              "each event comes as a notification `event`.  A client that does not keep up\n"
              "is told by `events.missed` {count} how many it lost, wanted or not.  Another\n"
              "subscription takes the place of the first",
    .errors = "none",
    .example = ASK("'method':'events.subscribe',\n"
               "   'params':{'level':'warn'}")
               ANSWER("{'next':52}") "\n"
               "< {'jsonrpc':'2.0','method':'event','params':{'seq':57,'time':'...',\n"
               "   'level':'warn','event':'server.crash',...}}",
    .command = "moult events --follow",
},
{
    .name = "events.unsubscribe",
    .summary = "be sent no more events",
    .params = "none",
    .result = "null",
    .errors = "none",
    .example = ASK("'method':'events.unsubscribe'")
               ANSWER("null"),
    .command = "none: 'moult events --follow' ends its session instead",
},
{
    .name = "stop",
    .summary = "end the host in order, each server within its shutdown time",
    .params = "none",
    .result = "null: it has begun; the connection ends when it is over",
    .errors = "none",
    .example = ASK("'method':'stop'")
               ANSWER("null"),
    .command = "moult stop",
},
{
    .name = "ping",
    .summary = "whether the host answers",
    .params = "none",
    .result = "\"pong\"",
    .errors = "none",
    .example = ASK("'method':'ping'")
               ANSWER("'pong'"),
    .command = "none: 'moult status' tells more",
},
{
    .name = "version",
    .summary = "the version of the host and of this protocol",
    .params = "none",
    .result = "an object: version, and protocol, an integer that is raised when what is\n"
              "told here changes so that older clients can't go on",
    .errors = "none",
    .example = ASK("'method':'version'")
               ANSWER("{'version':'0.1.0','protocol':1}"),
    .command = "none: 'moult status' tells the host's, 'moult --version' its own",
},
{
    .name = "methods",
    .summary = "the methods that there are",
    .params = "none",
    .result = "an array of objects: name, summary",
    .errors = "none",
    .example = ASK("'method':'methods'")
               ANSWER("[{'name':'status',\n"
               "   'summary':'how the host is'},...]"),
    .command = "none: 'moult help protocol' tells more",
},
};
/* clang-format on */

const size_t protocol_count = sizeof(protocol_methods) / sizeof(protocol_methods[0]);
