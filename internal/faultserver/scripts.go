package faultserver

// Sequence gives the first connection the first script, the second the second,
// and so on; the last one is for all that follow.
func Sequence(scripts ...Script) Script {
	return func(c *Conn) { scripts[min(c.number, len(scripts))-1](c) }
}

// Answer answers every request with the same text, and keeps the connection
// open until the client hangs up.
func Answer(text string) Script {
	return func(c *Conn) {
		for {
			c.ReadRequest()
			c.Write(text)
		}
	}
}

// AnswerAndFIN answers one request, and then says that no more will come.
func AnswerAndFIN(text string) Script {
	return func(c *Conn) {
		c.ReadRequest()
		c.Write(text)
		c.FIN()
	}
}

// AnswerAndStall answers one request, and then nothing, until the client hangs up.
func AnswerAndStall(text string) Script {
	return func(c *Conn) {
		c.ReadRequest()
		c.Write(text)
		c.Stall()
	}
}

// RST resets every connection as soon as it is accepted.
func RST(c *Conn) { c.RST() }

// Stall never says a word.
func Stall(c *Conn) { c.Stall() }
