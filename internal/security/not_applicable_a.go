package security

var notApplicableA = []entry{
	{
		Row: 36,
		IDs: "CVE-2022-30115 (curl), CVE-2022-42916 (curl), CVE-2022-43551 (curl), CVE-2023-23914 (curl), " +
			"CVE-2023-23915 (curl), CVE-2023-46219 (curl), CVE-2024-9681 (curl)",
		Flaw: "HSTS is got round by a trailing or an IDN dot, is forgotten between requests, takes a sub-domain's " +
			"expiry for the domain's, or loses its file.",
		Why: "there is no HSTS: Strict-Transport-Security headers are not read, and no such state is kept or saved.",
	},
}
