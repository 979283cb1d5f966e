package security

var notApplicableB = []entry{
	{
		Row:  71,
		IDs:  "GHSA-5c9x-8gcm-mpgx, GHSA-jqh4-m9w3-8hp9, GHSA-mwf2-3pr3-8698 (axios)",
		Flaw: "a limit on the size of what is uploaded is not kept for streams.",
		Why:  "There is no such limit: the program says what is sent.",
	},
}
