"""Records in, pictures and sentences out. Without torch: pages import it."""
