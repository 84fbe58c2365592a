from tests.bench.scan import main


def test_the_measurement_still_runs(capsys):
    main(["--files", "3", "--tokens", "2000", "--merges", "1500"])
    cold, cached, catalog = capsys.readouterr().out.splitlines()
    assert cold.startswith("cold") and "3 models, 0 files passed over" in cold
    assert cached.startswith("cached") and "3 models" in cached
    assert catalog.startswith("catalog")
