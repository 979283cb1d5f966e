package security

var notApplicableC = []entry{
	{
		Row:  97,
		IDs:  "CVE-2026-16728 (undici)",
		Flaw: "A download that is resumed after a failure is joined from parts of different lengths or versions.",
		Why:  "No body is resumed: a retry sends the whole request again, before its body was handed out, and a 206 is given as it came.",
	},
	{
		Row:  98,
		IDs:  "CVE-2020-8177, CVE-2016-0754, CVE-2025-11563 (curl), CVE-2019-10751 (httpie)",
		Flaw: "A Content-Disposition or a redirect names the file that a download is written to, outside of the directory that was meant.",
		Why:  "A body is written to the path that the program names, and to no other; Content-Disposition is not read.",
	},
	{
		Row:  99,
		IDs:  "CVE-2026-42504, CVE-2023-24536, CVE-2023-45290 (Go)",
		Flaw: "Parsing MIME words or multipart bodies costs far more time and memory than they have bytes.",
		Why:  "No answer is parsed as MIME: multipart is written only, and encoded words are left as they are.",
	},
	{
		Row:  100,
		IDs:  "",
		Flaw: "A shared cache stores answers that are private, or were given to a request with credentials, and hands them to others.",
		Why:  "There is no cache of answers. What a RedirectCache remembers, where one is set, are targets of permanent redirects.",
	},
	{
		Row:  121,
		IDs:  "CVE-2014-0015, CVE-2015-3143, CVE-2026-1965, CVE-2026-5545, CVE-2016-8616 (curl)",
		Flaw: "A connection that NTLM or Negotiate has authenticated is used again for another user.",
		Why:  "Neither NTLM nor Negotiate is built: no authentication of an origin is bound to a connection.",
	},
	{
		Row:  126,
		IDs:  "CVE-2022-22576, CVE-2026-8458 (curl)",
		Flaw: "Connections of mail and directory protocols are used again under other credentials.",
		Why:  "HTTP is the only protocol that is spoken.",
	},
}
