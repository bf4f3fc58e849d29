"""What was measured: metrics, the bands they are held to, recorded runs, tables and claims."""
