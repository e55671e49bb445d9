package lab

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
)

// archive is files on their way into a container's folder.
type archive struct {
	dir  string
	body []byte
}

func (a archive) reader() io.Reader { return bytes.NewReader(a.body) }

// file is one file on its way into a container.
type file struct {
	path, content string
	mode          int64
}

// pack packs a file for its folder, to be owned by root.
func (f file) pack() archive {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	// Writing to memory does not fail, and the header is complete.
	_ = w.WriteHeader(&tar.Header{Name: path.Base(f.path), Mode: f.mode, Size: int64(len(f.content))})
	_, _ = io.WriteString(w, f.content)
	_ = w.Close()
	return archive{path.Dir(f.path), b.Bytes()}
}
