package security

// notApplicable are the classes that have no place to happen here, by row.
var notApplicable = []entry{
	{
		Row: 36,
		IDs: "CVE-2022-30115 (curl), CVE-2022-42916 (curl), CVE-2022-43551 (curl), CVE-2023-23914 (curl), " +
			"CVE-2023-23915 (curl), CVE-2023-46219 (curl), CVE-2024-9681 (curl)",
		Flaw: "HSTS is got round by a trailing or an IDN dot, is forgotten between requests, takes a sub-domain's " +
			"expiry for the domain's, or loses its file.",
		Why: "there is no HSTS: Strict-Transport-Security headers are not read, and no such state is kept or saved.",
	},
	{
		Row:  71,
		IDs:  "GHSA-5c9x-8gcm-mpgx, GHSA-jqh4-m9w3-8hp9, GHSA-mwf2-3pr3-8698 (axios)",
		Flaw: "a limit on the size of what is uploaded is not kept for streams.",
		Why:  "There is no such limit: the program says what is sent.",
	},
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
