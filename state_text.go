package session

import (
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// savedText is text as a saved state has it. JSON can hold nothing but Unicode:
// what is not valid UTF-8 is an object whose "latin1" has each byte as the
// character of that number.
type savedText string

type savedBytes struct {
	Latin1 string `json:"latin1"`
}

// MarshalJSON writes a string, or an object.
func (t savedText) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(savedBytes{fromLatin1(string(t))})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *savedText) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return json.Unmarshal(data, (*string)(t))
	}
	var saved savedBytes
	if err := json.Unmarshal(data, &saved); err != nil {
		return err
	}
	text, ok := toLatin1(saved.Latin1)
	if !ok {
		return errors.New("text is not Latin-1")
	}
	*t = savedText(text)
	return nil
}

// textPairs gives pairs as pairs of texts of another type.
func textPairs[To ~[2]T, From ~[2]F, T, F ~string](from []From) []To {
	if from == nil {
		return nil
	}
	to := make([]To, len(from))
	for i, pair := range from {
		to[i] = To{T(pair[0]), T(pair[1])}
	}
	return to
}

// texts gives a map's values as texts of another type.
func texts[To, From ~string](from map[string]From) map[string]To {
	if from == nil {
		return nil
	}
	to := make(map[string]To, len(from))
	for name, text := range from {
		to[name] = To(text)
	}
	return to
}

// textLists gives a map's lists as lists of texts of another type.
func textLists[To, From ~string](from map[string][]From) map[string][]To {
	if from == nil {
		return nil
	}
	to := make(map[string][]To, len(from))
	for name, list := range from {
		to[name] = nil // where there is no list; an empty one is kept apart
		if list != nil {
			to[name] = make([]To, len(list))
		}
		for i, text := range list {
			to[name][i] = To(text)
		}
	}
	return to
}
