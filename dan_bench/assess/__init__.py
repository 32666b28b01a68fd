"""`python -m dan_bench.assess FILE...`: is this file noise?"""
