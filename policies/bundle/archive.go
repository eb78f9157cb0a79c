package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// The bounds of a bundle. The shipped packs take 6 KiB; who needs more than this
// has put data into a policy.
const (
	MaxCompressed = 4 << 20
	MaxSize       = 16 << 20 // of all files together, unpacked
	MaxFiles      = 512
	maxName       = 200
)

// The files of OPA's format.
const (
	manifestFile   = ".manifest"
	signaturesFile = ".signatures.json"
	dataFile       = "data.json"
	patchFile      = "patch.json"
)

// file is one file of an archive under its path from the bundle's root.
type file struct {
	name string
	data []byte
}

// unpack reads a tarball. It refuses whatever isn't a plain file under a plain
// path, once.
func unpack(tarball []byte) ([]file, error) {
	if len(tarball) > MaxCompressed {
		return nil, fmt.Errorf("is larger than %d bytes", MaxCompressed)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(tarball))
	if err != nil {
		return nil, fmt.Errorf("is no gzip tarball: %w", err)
	}
	bounded := &boundedReader{from: unzipped, left: MaxSize + MaxFiles*1024}
	archive := tar.NewReader(bounded)
	var files []file
	seen := map[string]bool{}
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nothingAfter(bounded)
		}
		if err != nil {
			return nil, fmt.Errorf("can't be unpacked: %w", err)
		}
		switch header.Typeflag {
		case tar.TypeReg:
		case tar.TypeDir, tar.TypeXGlobalHeader:
			continue
		default:
			return nil, fmt.Errorf("%q is no plain file: links and devices have no place in a bundle", header.Name)
		}
		f, err := unpackFile(header.Name, archive)
		switch {
		case err != nil:
			return nil, err
		case seen[f.name]:
			return nil, fmt.Errorf("%s is there twice", f.name)
		case len(files) == MaxFiles:
			return nil, fmt.Errorf("has more than %d files", MaxFiles)
		}
		seen[f.name] = true
		files = append(files, f)
	}
}

func unpackFile(name string, content io.Reader) (file, error) {
	clean, err := cleanName(name)
	if err != nil {
		return file{}, err
	}
	data, err := io.ReadAll(content)
	if err != nil {
		return file{}, fmt.Errorf("%s can't be unpacked: %w", clean, err)
	}
	return file{clean, data}, nil
}

// cleanName gives a file's path from the root. OPA writes that as /policy.rego,
// tar as ./policy.rego; any other path than a plain one is refused, although
// nothing is unpacked to a disk.
func cleanName(name string) (string, error) {
	clean, rooted := strings.CutPrefix(name, "/")
	if !rooted {
		clean = strings.TrimPrefix(name, "./")
	}
	strange := func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' || r == ':' }
	if !fs.ValidPath(clean) || clean == "." || len(clean) > maxName || strings.ContainsFunc(clean, strange) {
		return "", fmt.Errorf("%q is no path within a bundle: it has to be a plain one, without .. and of %d bytes at most (opa build keeps the path that it is given: run it where the pack lies)", name, maxName)
	}
	return clean, nil
}

// nothingAfter reads to the end, which also has gzip check its sum.
func nothingAfter(r io.Reader) error {
	rest, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("can't be unpacked: %w", err)
	}
	if len(bytes.Trim(rest, "\x00")) > 0 {
		return errors.New("goes on after its end")
	}
	return nil
}

// boundedReader ends with an error where a bundle is too large, rather than as if
// it were complete.
type boundedReader struct {
	from io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("it is larger than %d bytes unpacked", MaxSize)
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// tarballOf writes a tarball: the same bytes for the same files in the same order.
func tarballOf(files []file) ([]byte, error) {
	var out bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(zipped)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.data)), Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if _, err := archive.Write(f.data); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		return nil, err
	}
	if out.Len() > MaxCompressed {
		return nil, fmt.Errorf("is larger than %d bytes", MaxCompressed)
	}
	return out.Bytes(), nil
}
