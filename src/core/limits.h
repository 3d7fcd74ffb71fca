/* limits.h: every limit a peer can push against, by its name. Defaults; those marked [limits] can be changed
 * in the configuration and are read from struct cfg_limits there. */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

enum {
	/* SMTP */
	L_CMD = 2048,		  /* [limits] octets of a command line with CRLF */
	L_CMD_AUTH = 12288,	  /* of an AUTH line or answer */
	L_FLOOD = 65536,	  /* octets without CRLF in command state, then close */
	L_ERR = 10,		  /* [limits] failing commands a session */
	L_JUNK = 100,		  /* [limits] commands that do nothing a session */
	L_LATER = 1000,		  /* commands answered 4xx a session, between two messages taken */
	L_RCPT = 100,		  /* [limits] recipients of an inbound message */
	L_RCPT_SUBMISSION = 500,  /* [limits] of a submitted one */
	L_SIZE = 52428800,	  /* [limits] octets of a message */
	L_LINE = 65536,		  /* octets of an inbound content line */
	L_LINE_SUBMISSION = 998,  /* RFC 5322 2.1.1 */
	L_HOP = 50,		  /* [limits] Received fields */
	L_PATH = 256,		  /* RFC 5321 4.5.3.1.3 */
	L_LOCAL = 64,		  /* RFC 5321 4.5.3.1.1 */
	L_DOMAIN = 255,		  /* RFC 5321 4.5.3.1.2 */
	L_MEMORY_DRAFT = 262144,  /* octets of a message kept in memory while it arrives */
	/* message format */
	L_HDR = 1048576,	  /* header section */
	L_HDR1 = 262144,	  /* one field */
	L_HDRN = 2000,		  /* fields */
	L_DEPTH = 64,		  /* MIME nesting, multipart and message/rfc822 together */
	L_PARTS = 2000,		  /* MIME parts of a message */
	L_PARAM = 128,		  /* parameters of a field */
	L_ADDR = 1000,		  /* addresses of a field */
	L_CMT = 16,		  /* comment nesting */
	L_URI = 2048,		  /* octets of a link that are looked at */
	L_URI_FOUND = 200,	  /* different hosts of a message that are kept */
	L_URI_TEXT = 1048576, L_URI_PARTS = 20, /* octets of a part looked at for links; parts */
	/* DKIM and DNS */
	L_DKIM = 8, L_DKIMH = 256, L_KEY = 4096,
	L_TAGS = 64,		  /* of a tag list */
	L_KEY_BITS_LEAST = 1024, L_KEY_BITS_MOST = 8192, /* RFC 8301 3.2 */
	L_KEY_EXPONENT_BITS = 64, /* of an RSA key: what a peer can make us work */
	L_DKIM_SKEW_SECONDS = 300, /* a signature made this far in the future is believed */
	L_SPF = 10, L_SPF_VOID = 2, L_SPF_NAMES = 10, L_SPF_SECONDS = 20, /* RFC 7208 4.6.4 */
	L_SPF_QUESTIONS = 60,	  /* to the DNS in one check: ten terms of ten MX hosts could be 110 */
	L_SPF_RECORD = 8192,	  /* octets */
	L_SPF_TEXT = 255,	  /* of an explanation */
	L_SPF_WIDE_V4 = 8, L_SPF_WIDE_V6 = 20, /* a prefix shorter than this is half the world: no trust */
	L_BODYHASH = 16,	  /* different hashes of one body: 8 signatures and one of ARC */
	L_ARC = 50,		  /* RFC 8617 4.2.1 */
	L_IPREV = 5,		  /* names of a peer that are followed */
	/* DNS questions of a message in all, and how many of them each leaves for those before it; DMARC leaves none */
	L_DNS_MESSAGE = 60, L_DNS_KEEP_DKIM = 4, L_DNS_KEEP_LISTS = 12, L_DNS_KEEP_SPF = 20, L_DNS_KEEP_ARC = 32,
	/* lists in the DNS: of the configuration; answers of one, octets of its name, most points; questions about one
	 * peer or message, hosts of a message; seconds to the next self-test when it is well, off, not known */
	L_LISTS = 16, L_LIST_CODES = 100, L_LIST_ZONE = 120, L_LIST_POINTS = 1000, L_LIST_QUESTIONS = 64, L_URI_HOSTS = 16,
	L_LIST_DAY_SECONDS = 86400, L_LIST_OFF_SECONDS = 3600, L_LIST_AGAIN_SECONDS = 300,
	L_LIST_RUN = 20,	  /* of its answers in a row say "listed": is it the whole world? */
	L_FORWARDS = 10, L_FORWARD_HOUR = 200, /* addresses that a [[rule]] sends on to; messages an hour sent on for one account */
	L_DNS_RECORDS = 100, L_DNS_SECONDS = 10, L_DNS_FLIGHT = 128, L_DNS_WAIT = 4096,
	/* IMAP before login */
	L_IPRE_OCTETS = 8192, L_IPRE_PARENS = 4, L_IPRE_BAD = 3, L_IPRE_SECONDS = 60,
	/* IMAP after login */
	L_ICMD = 65536, L_ILIT = 131072, L_ITOT = 1048576, L_ILITN = 1000, L_IBAD = 20,
	L_INEST = 64, L_ISET = 10000, L_IKEY = 1000, L_IPATTERN = 100, L_IQUEUED = 8,
	L_ISORT_TEXT = 4096,	  /* octets of a text that SORT and THREAD compare */
	L_ISORT_KEPT = 4,	  /* orders of an open folder that are kept */
	L_ISORT_TEXTS = 33554432, L_ISORT_SHORT = 256, /* of all texts of a SORT; beyond, of each */
	L_IREFS = 64,		  /* THREAD: references of a message, the last ones */
	L_IREFS_ALL = 2000000,	  /* of all messages; beyond, only the last of each */
	L_IWALKS = 64,		  /* steps a message to see that a link makes no loop */
	L_IDLE_SECONDS = 1800,	  /* autologout; RFC 9051 5.4 */
	L_MULTIAPPEND = 100,	  /* messages of one APPEND */
	L_MULTIAPPEND_SIZES = 4,  /* and their octets, in times L_SIZE */
	L_IOUT = 1048576,	  /* unsent output of a connection */
	L_CATENATE = 1000,	  /* parts of all CATENATEs of one APPEND */
	L_URL = 4096,		  /* octets of a URL in it */
	L_ISTALL_SECONDS = 300,	  /* no progress of output, then closed */
	/* mailboxes */
	L_MBX = 10000, L_MBX_DEPTH = 16, L_MBX_NAME = 255, L_KW = 26, L_KW_NAME = 64,
	L_METADATA = 65536, L_METADATA_ENTRIES = 100, L_METADATA_NAME = 255, /* a folder's annotations, as written */
	L_METADATA_VALUE = 32768, L_METADATA_ASKED = 100,
	/* NOTIFY: groups and names of one command; folders and octets that wait to be told */
	L_NOTIFY_GROUPS = 50, L_NOTIFY_NAMES = 1000, L_NOTIFY_FOLDERS = 1000, L_NOTIFY_OCTETS = 65536,
	L_SEARCH_TEXT = 4194304,  /* octets of a message's text in the full-text index; with more it is read */
	/* of a session: searches kept up to date, their messages, those of them in an order, octets they compare */
	L_CONTEXTS = 16, L_CONTEXT_MESSAGES = 200000, L_CONTEXT_SORTED = 20000, L_CONTEXT_TEXTS = 8388608,
	L_LINGER_SECONDS = 1200,  /* a folder's view stays after its last session, for the next */
	L_LINGER_VIEWS = 64, L_LINGER_MESSAGES = 250000, /* of all accounts */
	L_UID_BLOCK = 1000, L_MODSEQ_BLOCK = 1048576,
	/* copies of refused mail: days; of an account octets, messages */
	L_QUARANTINE_DAYS = 30, L_QUARANTINE = 524288000, L_QUARANTINE_MESSAGES = 20000,
	/* connections */
	L_CONN = 12000,		  /* [limits] in all */
	L_CONN_SOURCE = 100,	  /* [limits] conn_per_source: per IPv4 or IPv6 /64 */
	L_CONN_GUEST = 20,	  /* [limits] conn_guests: of these not logged in (port 25: all) */
	L_CONN_RATE = 120,	  /* [limits] conn_rate: new per minute and source */
	L_WATCHES = 4096,	  /* [limits] directories the kernel watches for us; many hosts give a user 8,192 */
	L_HS_SECONDS = 20,	  /* TLS handshake */
	L_RATEIN = 500, L_RATEIN_SECONDS = 60, /* octets a second, averaged over */
	L_SMTP_SECONDS = 300,	  /* RFC 5321 4.5.3.2.7 */
	/* authentication */
	L_AUTH_RUNNING = 2, L_AUTH_WAITING = 32, L_AUTH_FREE = 5, L_AUTH_HARD = 20,
	L_AUTH_WINDOW = 600, L_PASSWORD = 1024, L_ARGON_OPS = 2, L_ARGON_MEM = 19922944,
	/* queue */
	L_QUEUE = 10000, L_QUEUE_SECONDS = 432000, L_QUEUE_WARN_SECONDS = 14400,
	L_QUEUE_PER_DEST = 5, L_OUT_CONNS = 50, L_OUT_ADDRESSES = 5,
	L_REPLY_LINES = 100, L_REPLY_OCTETS = 65536, L_REPLY_TEXT = 512,
	/* who writes to us */
	L_CORRESPONDENTS = 20000, /* of an account */
	L_LESSONS_IMPORT = 1000000, /* of a file */
	L_GREYLIST = 200000,	  /* pairs of network and domain */
	L_GREY_SECONDS = 120, L_GREY_RETRY_SECONDS = 172800, L_GREY_KEEP_SECONDS = 3110400,
	L_REPUTATION = 50000,	  /* networks and domains that something is known of */
	L_SLOWED = 100,		  /* peers that are kept waiting at a time; more are served at once */
	L_EVIDENCE = 100000,	  /* messages whose owner may still say what they were */
	/* work */
	L_JOBS = 256,		  /* waiting on one lane */
	L_THREADS = 16, L_SHARE_SYNC = 6, L_SHARE_ACCOUNT = 4, L_SHARE_READ = 2, L_SHARE_PASSWORD = 2,
	L_SHARE_CRYPTO = 2,
	/* classifier */
	L_TOKENS = 10000, L_TOKEN = 64, L_TOKEN_TEXT = 1048576,
	/* status */
	L_HTTP = 8192, L_HTTP_BODY = 65536, L_HTTP_MESSAGE = 2 * L_SIZE, L_HTTP_CONNS = 64, L_HTTP_SECONDS = 10,
	L_LOG = 1024, L_LOG_RING = 1048576,
	L_LEDGER_DAYS = 90,
	/* a trace of sessions: octets of a file, files, minutes; accounts at once; days that files stay */
	L_TRACE_OCTETS = 1048576, L_TRACE_FILES = 32, L_TRACE_MINUTES = 60, L_TRACE_ACCOUNTS = 8, L_TRACE_DAYS = 7,
	L_TRACE_LINE = 4096, L_TRACE_QUEUED = 262144, /* octets of a line; that wait for the disk */
	/* configuration */
	L_REGEX = 1024, L_REGEX_PARENS = 32,	/* octets of a pattern; parentheses in each other */
	L_REGEX_SUBJECT = 1024, L_REGEX_STEPS = 10000, L_REGEX_KIB = 20000, /* looked at; steps a start; memory */
	L_PATTERNS = 1000,	  /* lines of a patterns file */
	L_MATCHES = 1000,	  /* values of one condition of an owner's rule */
	L_TOML = 4194304, L_TOML_DEPTH = 32, L_CFG_ERRORS = 50, L_ALIAS_DEPTH = 10,
	L_LAG_MS = 100,		  /* the loop is never blocked for longer */
};

#define L_FREE ((uint64_t)3 * L_SIZE + 67108864) /* [limits] free: refuse new mail below */

#endif
