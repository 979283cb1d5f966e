package session

import "encoding/json"

// MarshalJSON is a stand-in.
func (j *Jar) MarshalJSON() ([]byte, error) {
	list := []Cookie{}
	for c := range j.All() {
		list = append(list, c)
	}
	return json.Marshal(list)
}

// UnmarshalJSON is a stand-in.
func (j *Jar) UnmarshalJSON(b []byte) error {
	var list []Cookie
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	for _, c := range list {
		if err := j.Put(c); err != nil {
			return err
		}
	}
	return nil
}
