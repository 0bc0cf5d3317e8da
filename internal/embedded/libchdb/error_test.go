package libchdb

import "testing"

func TestParseError(t *testing.T) {
	for text, want := range map[string]Error{
		"Code: 62. DB::Exception: Syntax error: x\ny. (SYNTAX_ERROR)\n": {62, "DB::Exception: Syntax error: x\ny. (SYNTAX_ERROR)"},
		"something else": {CodeUnknownException, "DB::Exception: something else"},
		"Code: 99999999999999999999. DB::Exception: x": {CodeUnknownException, "DB::Exception: Code: 99999999999999999999. DB::Exception: x"},
	} {
		if got := parseError(text); *got != want {
			t.Errorf("%q: %+v, want %+v", text, *got, want)
		}
	}
	if got := NewError(241, "too much").Error(); got != "code 241: DB::Exception: too much" {
		t.Error(got)
	}
}
